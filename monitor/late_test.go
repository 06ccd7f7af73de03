package monitor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/influxdata/influxdb/query"
	"github.com/influxdata/influxdb/services/continuous_querier"
	"github.com/influxdata/influxdb/services/meta"
	"github.com/influxdata/influxql"

	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/monitor"
)

// TestLatePointsAreRolledUp by a store that was down when they were measured, in both tiers.
func TestLatePointsAreRolledUp(t *testing.T) {
	t.Parallel()
	latePointsAreRolledUp(t, embedded(t))
}

func TestLatePointsAreRolledUpOnInfluxd(t *testing.T) {
	t.Parallel()
	latePointsAreRolledUp(t, influxdtest.Start(t, monitor.Database))
}

func latePointsAreRolledUp(t *testing.T, store string) {
	var lines strings.Builder
	for i, late := range []time.Duration{20 * time.Minute, time.Hour, monitor.Late} {
		at := time.Now().Add(-late).UnixNano()
		fmt.Fprintf(&lines, "invocation,function=f,instance=a,version=1 cold=false,duration_ms=%d,memory_mb=20,ok=false %d\n", 50+i, at)
		fmt.Fprintf(&lines, "hellos,function=f,instance=a,version=1 count=2i,total=%di %d\n", 2*i+2, at)
		fmt.Fprintf(&lines, "publisher,function=f,instance=a,version=1 seq=%di,retries=0i,dropped=0i %d\n", 3-i, at)
	}
	write(t, store, "", lines.String())
	for _, statement := range monitor.Setup() { // a continuous query runs as soon as the store has it
		tell(t, store, statement)
	}
	sums := func() map[string]string {
		got := map[string]string{}
		for _, policy := range []string{"rollup_10s", "rollup_1m"} {
			for field, measurement := range map[string]string{"count": "invocation", "errors": "invocation", "environments": "invocation", "flushes": "publisher", "begun": "publisher"} {
				got[policy+" "+field] = sum(t, store, policy, measurement, field)
			}
			got[policy+" hellos"] = sum(t, store, policy, "hellos", "count")
		}
		got["upto_100"] = sum(t, store, "rollup_1m", "invocation", "upto_100")
		return got
	}
	want := map[string]string{"upto_100": "3"}
	for _, policy := range []string{"rollup_10s", "rollup_1m"} {
		for field, n := range map[string]string{"count": "3", "errors": "3", "environments": "3", "flushes": "3", "begun": "1", "hellos": "6"} {
			want[policy+" "+field] = n
		}
	}
	var diff string
	for range 1200 {
		if diff = cmp.Diff(want, sums()); diff == "" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("(-want +got):\n%s", diff)
}

// sum is "" where there is nothing to add up.
func sum(t *testing.T, store, policy, measurement, field string) string {
	t.Helper()
	q := fmt.Sprintf(`SELECT sum(%q) FROM %q.%q`, field, policy, measurement)
	resp, err := http.Get(store + "/query?" + url.Values{"db": {monitor.Database}, "q": {q}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			Series []struct{ Values [][]any }
			Error  string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		t.Fatalf("%s: %v, %+v", q, err, answer)
	}
	if len(answer.Results[0].Series) == 0 {
		return ""
	}
	return fmt.Sprint(answer.Results[0].Series[0].Values[0][1])
}

// TestEveryPointHasItsRun: whenever a point comes in, up to Late after it was measured, the runs after it have its window, and
// none is forgotten that was due. The store's own code says which time a run has; its clock is the test's.
func TestEveryPointHasItsRun(t *testing.T) {
	t.Parallel()
	for _, q := range monitor.ContinuousQueries() {
		var ran []influxql.TimeRange
		service := continuous_querier.NewService(continuous_querier.NewConfig())
		service.QueryExecutor = query.NewExecutor()
		service.QueryExecutor.StatementExecutor = recorder(func(s *influxql.SelectStatement) error {
			_, r, err := influxql.ConditionExpr(s.Condition, nil)
			ran = append(ran, r)
			return err
		})
		database := meta.DatabaseInfo{Name: monitor.Database, DefaultRetentionPolicy: "autogen"}
		info := meta.ContinuousQueryInfo{Name: q.Name, Query: q.Create}
		late, every, step := monitor.Late, 2*time.Hour, 20*time.Second
		if !strings.HasSuffix(q.Name, "_late") {
			late, every, step = 50*time.Second, 2*time.Minute, time.Second // on time
		}

		// The store looks now and then not at all: something else is running.
		began := time.Unix(1_700_000_123, 0)
		for now := began; now.Before(began.Add(3 * every)); now = now.Add(step) {
			if now.Unix()%970 > 800 || now.Unix()%97 > 80 {
				continue
			}
			runs := len(ran)
			if _, err := service.ExecuteContinuousQuery(&database, &info, now); err != nil {
				t.Fatalf("%s: %v", q.Name, err)
			}
			// Points that have come since the run before: those of now, and those that are late.
			if len(ran) == runs || runs == 0 {
				continue
			}
			before, run := ran[runs-1].Max.Add(1), ran[runs]
			if run.Min.After(before.Add(-late)) {
				t.Errorf("%s runs at %s from %s on, and what came after %s may be %s late", q.Name, now, run.Min, before, late)
			}
			if now.Sub(run.Max) > time.Minute {
				t.Errorf("%s runs at %s until %s only", q.Name, now, run.Max)
			}
		}
		if len(ran) < 3 {
			t.Errorf("%s has run %d times in %s", q.Name, len(ran), 3*every)
		}
	}
}

// recorder executes SELECT statements.
type recorder func(*influxql.SelectStatement) error

func (r recorder) ExecuteStatement(ctx *query.ExecutionContext, statement influxql.Statement) error {
	if err := r(statement.(*influxql.SelectStatement)); err != nil {
		return err
	}
	return ctx.Send(&query.Result{})
}
