package influx

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/influxdata/influxdb/models"
)

// csvEncoder writes a table for each run of series with the same columns: the series' name, its tags, its
// values. An empty line stands between two tables. An error of one statement has no place in it.
type csvEncoder struct {
	begun     bool
	statement int
	columns   []string
}

func (e *csvEncoder) encode(w io.Writer, r response) error {
	table := csv.NewWriter(w)
	if r.err != "" {
		_ = table.WriteAll([][]string{{"error"}, {r.err}})
		return table.Error()
	}
	for _, result := range r.results {
		for _, series := range result.Series {
			if !e.begun || e.statement != result.StatementID || !slices.Equal(e.columns, series.Columns) {
				if err := e.begin(w, table, result.StatementID, series.Columns); err != nil {
					return err
				}
			}
			line := make([]string, 2+len(series.Columns))
			line[0], line[1] = series.Name, csvTags(series.Tags)
			for _, row := range series.Values {
				for i, value := range row {
					line[2+i] = csvValue(value)
				}
				_ = table.Write(line)
			}
		}
	}
	table.Flush()
	return table.Error()
}

// begin writes a table's head.
func (e *csvEncoder) begin(w io.Writer, table *csv.Writer, statement int, columns []string) error {
	if e.begun {
		table.Flush()
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	e.begun, e.statement, e.columns = true, statement, columns
	return table.Write(append([]string{"name", "tags"}, columns...))
}

// csvTags is a tag set as line protocol writes it: sorted, with commas between.
func csvTags(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	return string(models.NewTags(tags).HashKey()[1:])
}

func csvValue(value any) string {
	switch v := value.(type) {
	case nil, *float64, *int64, *string, *bool: // the engine's ways to say that there is none
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return strconv.FormatInt(v.UnixNano(), 10)
	}
	return fmt.Sprint(value) // of SHOW statements: int, []string
}
