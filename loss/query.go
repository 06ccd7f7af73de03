package loss

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Ask runs one InfluxQL statement. Times in the answer are Unix nanoseconds (epoch=ns).
type Ask func(ctx context.Context, influxQL string) ([]Series, error)

// Series is one series of an answer, as InfluxDB's JSON has it.
type Series struct {
	Name    string              `json:"name"`
	Tags    map[string]string   `json:"tags"`
	Columns []string            `json:"columns"`
	Values  [][]json.RawMessage `json:"values"`
}

// where is the period as a condition.
func (p Period) where() string {
	var conditions []string
	if !p.From.IsZero() {
		conditions = append(conditions, fmt.Sprintf("time >= %d", p.From.UnixNano()))
	}
	if !p.To.IsZero() {
		conditions = append(conditions, fmt.Sprintf("time < %d", p.To.UnixNano()))
	}
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

const byEnvironment = ` GROUP BY "function", "instance"`

// invocations counts the invocation points of each environment.
func invocations(ctx context.Context, ask Ask, p Period) (map[Environment]int64, error) {
	answer, err := ask(ctx, "SELECT count(duration_ms) FROM invocation"+p.where()+byEnvironment)
	if err != nil {
		return nil, fmt.Errorf("counting what is recorded: %w", err)
	}
	counts := map[Environment]int64{}
	for _, s := range answer {
		row, err := s.row()
		if err != nil {
			return nil, fmt.Errorf("counting what is recorded: %w", err)
		}
		counts[s.environment()] = row["count"]
	}
	return counts, nil
}

// A publisher is what an environment's publisher told of itself in a period.
type publisher struct {
	first, highest, batches int64 // sequence numbers, and how many of them are there
	dropped                 int64 // in the period, except what the first batch tells of the time before
	final                   bool
	last                    time.Time
}

// missing is how many sequence numbers are not there.
func (p publisher) missing() int64 { return max(p.highest-p.first+1-p.batches, 0) }

func publishers(ctx context.Context, ask Ask, p Period) (map[Environment]publisher, error) {
	const what = "asking what the publishers told: %w"
	answer, err := ask(ctx, "SELECT count(seq), min(seq) AS first, max(seq) AS highest, min(dropped) AS before, "+
		"max(dropped) AS dropped, count(final) AS final FROM publisher"+p.where()+byEnvironment)
	if err != nil {
		return nil, fmt.Errorf(what, err)
	}
	all := map[Environment]publisher{}
	for _, s := range answer {
		row, err := s.row()
		if err != nil {
			return nil, fmt.Errorf(what, err)
		}
		told := publisher{first: row["first"], highest: row["highest"], batches: row["count"],
			dropped: row["dropped"] - row["before"], final: row["final"] > 0}
		if told.first == 1 { // the whole life of the environment lies in the period
			told.dropped = row["dropped"]
		}
		all[s.environment()] = told
	}
	answer, err = ask(ctx, "SELECT last(seq) FROM publisher"+p.where()+byEnvironment)
	if err != nil {
		return nil, fmt.Errorf(what, err)
	}
	for _, s := range answer {
		row, err := s.row()
		if err != nil {
			return nil, fmt.Errorf(what, err)
		}
		told := all[s.environment()]
		told.last = time.Unix(0, row["time"])
		all[s.environment()] = told
	}
	return all, nil
}

func (s Series) environment() Environment {
	return Environment{Function: s.Tags["function"], Instance: s.Tags["instance"]}
}

// row is the series' only row, by column. A null is 0.
func (s Series) row() (map[string]int64, error) {
	row := map[string]int64{}
	if len(s.Values) != 1 || len(s.Values[0]) != len(s.Columns) {
		return nil, fmt.Errorf("%s has %d rows where one was expected", s.Name, len(s.Values))
	}
	for i, c := range s.Columns {
		var n *int64
		if err := json.Unmarshal(s.Values[0][i], &n); err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", s.Name, c, err)
		}
		if n != nil {
			row[c] = *n
		}
	}
	return row, nil
}
