package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/monitor"
)

// TestVariablesListWhatCanBePicked has environments of hours that are shards of their own, as on the host.
func TestVariablesListWhatCanBePicked(t *testing.T) {
	t.Parallel()
	variablesList(t, embedded(t))
}

func TestVariablesListWhatCanBePickedOnInfluxd(t *testing.T) {
	t.Parallel()
	variablesList(t, influxdtest.Start(t, monitor.Database))
}

func variablesList(t *testing.T, store string) {
	const hour = 3_600_000
	const at = int64(1700000000000/hour*hour + hour/2)
	tell(t, store, `ALTER RETENTION POLICY "autogen" ON "`+monitor.Database+`" SHARD DURATION `+monitor.RawShard)
	write(t, store, "", fmt.Sprintf("invocation,function=f,instance=early,version=1 duration_ms=1 %d000000\n"+
		"invocation,function=f,instance=late,version=2 duration_ms=1 %d000000\n"+
		"invocation,function=g,instance=other,version=3 duration_ms=1 %d000000\n", at-3*hour, at-60_000, at-60_000))

	board := grafanaBoard(t, ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D"}}})
	list := func(name string, to int64, length time.Duration) string {
		t.Helper()
		for _, v := range board.Templating.List {
			if v.Name != name {
				continue
			}
			from := to - length.Milliseconds()
			return column(t, store, strings.NewReplacer("$timeFilter", fmt.Sprintf("time >= %dms AND time <= %dms", from, to),
				"${__to}", fmt.Sprint(to), "$function", "f", "$version", ".*").Replace(v.Query))
		}
		t.Fatalf("no variable %s", name)
		return ""
	}
	for _, c := range []struct {
		name   string
		to     int64
		length time.Duration
		want   string
	}{
		{"function", at, 6 * time.Hour, "f g"},
		{"function", at - 3*hour, 5 * time.Minute, "f"},
		{"version", at, 6 * time.Hour, "1 2 3"},
		{"version", at, 5 * time.Minute, "2 3"},
		{"instance", at, 5 * time.Minute, "late"},
		{"instance", at - 3*hour, 5 * time.Minute, "early"},
		{"instance", at, 6 * time.Hour, "late"}, // and not the one of which a long range knows nothing
	} {
		if diff := cmp.Diff(c.want, strings.Join(strings.Fields(list(c.name, c.to, c.length)), " ")); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", c.name, c.length, diff)
		}
	}
}
