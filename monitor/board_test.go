package monitor_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/monitor"
)

// board is a dashboard as Grafana reads it, as far as its questions go.
type board struct {
	Panels     []boardPanel
	Templating struct {
		List []struct{ Name, AllValue, Query string }
	}
}

type boardPanel struct {
	Type, Title, Repeat, Interval string
	MaxDataPoints                 int
	Targets                       []struct{ RefID, Query string }
}

// grafanaBoard is the first of g's dashboards as Grafana has it.
func grafanaBoard(t testing.TB, g ephor.Grafana) board {
	t.Helper()
	boards, err := monitor.GrafanaDashboards(g)
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(boards[0].JSON, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// ranged are the variables that depend on a range's length, as the store tells them when it is asked
// with their own queries.
type ranged struct {
	values map[string]string
	ranged *strings.Replacer
}

func (b board) at(t testing.TB, store string, length time.Duration) ranged {
	t.Helper()
	r := ranged{values: map[string]string{}}
	var pairs []string
	for _, v := range b.Templating.List {
		if v.AllValue != "" {
			continue
		}
		q := strings.NewReplacer("$__to", fmt.Sprint(1700000000000+length.Milliseconds()), "$__from", "1700000000000").Replace(v.Query)
		got := strings.Fields(column(t, store, q))
		if len(got) != 1 {
			t.Fatalf("%s: %q", q, got)
		}
		r.values[v.Name] = got[0]
		pairs = append(pairs, "$"+v.Name, got[0])
	}
	r.ranged = strings.NewReplacer(pairs...)
	return r
}

// step is the interval of a panel over a range, where there is room for so many points.
func (r ranged) step(p boardPanel, length time.Duration, points int) time.Duration {
	least, err := time.ParseDuration(r.ranged.Replace(p.Interval))
	if err != nil {
		panic(err) // the test's own mistake
	}
	for _, s := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute,
		2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute} {
		if s >= least && length/time.Duration(points) <= s {
			return s
		}
	}
	return 30 * time.Minute
}
