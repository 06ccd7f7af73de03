package monitor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// TestFiltered: what a reader picks holds for a statement however it is written.
func TestFiltered(t *testing.T) {
	t.Parallel()
	// F, V and I stand for the conditions of what was picked.
	f := func(want, statement string, whole bool) {
		t.Helper()
		got, all := filter(statement)
		for tag, letter := range map[string]string{"function": "F", "version": "V", "instance": "I"} {
			got = strings.ReplaceAll(got, `"`+tag+`" =~ /^$`+tag+`$/`, letter)
		}
		if diff := cmp.Diff(want, got); diff != "" || all != whole {
			t.Errorf("all of it: %t (-want +got):\n%s", all, diff)
		}
	}
	f(`SELECT a FROM "b" WHERE $timeFilter AND F AND V AND I AND "ok" = false`, `SELECT a FROM "b" WHERE $timeFilter AND "ok" = false`, true)
	f(`SELECT a FROM "b" WHERE "ok" = true AND $timeFilter AND F AND V AND I GROUP BY "from"`, `SELECT a FROM "b" WHERE "ok" = true AND $timeFilter GROUP BY "from"`, true)
	f("select a from b\nwhere $timeFilter AND F AND V AND I", "select a from b\nwhere $timeFilter", true)
	f(`SELECT a FROM "b" WHERE ($timeFilter AND F AND V AND I) AND (x > 1)`, `SELECT a FROM "b" WHERE ($timeFilter) AND (x > 1)`, true)
	f(`SELECT a FROM /b"(/ WHERE $timeFilter AND F AND V AND I`, `SELECT a FROM /b"(/ WHERE $timeFilter`, true)
	f(`SELECT sum(/^b_/) / $__interval_ms FROM "b" WHERE x =~ /)/ AND $timeFilter AND F AND V AND I`, `SELECT sum(/^b_/) / $__interval_ms FROM "b" WHERE x =~ /)/ AND $timeFilter`, true)
	f(`SELECT a FROM "autogen"."b" WHERE $timeFilter AND F AND V AND I`, `SELECT a FROM "autogen"."b" WHERE $timeFilter`, true)
	f(`SELECT a FROM "$rollup"."b" WHERE $timeFilter AND F AND V`, `SELECT a FROM "$rollup"."b" WHERE $timeFilter`, true)
	f(`SELECT a FROM rollup_1m.b WHERE $timeFilter AND F AND V`, `SELECT a FROM rollup_1m.b WHERE $timeFilter`, true)
	f(`SELECT a FROM "load" WHERE $timeFilter`, `SELECT a FROM "load" WHERE $timeFilter`, true)
	f(`SELECT a FROM "$rollup"."load" WHERE $timeFilter`, `SELECT a FROM "$rollup"."load" WHERE $timeFilter`, true)
	f(`SELECT a FROM "queue.load" WHERE $timeFilter AND F AND V AND I`, `SELECT a FROM "queue.load" WHERE $timeFilter`, true)
	f(`SELECT a FROM "$rollup"."queue.load" WHERE $timeFilter AND F AND V`, `SELECT a FROM "$rollup"."queue.load" WHERE $timeFilter`, true)
	f(`SELECT a FROM "rollup_1m.b" WHERE $timeFilter AND F AND V AND I`, `SELECT a FROM "rollup_1m.b" WHERE $timeFilter`, true)
	f(`SELECT a FROM "lo\"ad" WHERE $timeFilter AND F AND V AND I`, `SELECT a FROM "lo\"ad" WHERE $timeFilter`, true)
	f(`SELECT a FROM "ephor".rollup_1m."b" WHERE $timeFilter AND F AND V`, `SELECT a FROM "ephor".rollup_1m."b" WHERE $timeFilter`, true)
	f(`SELECT a FROM "ephor".."load" WHERE $timeFilter`, `SELECT a FROM "ephor".."load" WHERE $timeFilter`, true)
	f(`SELECT a FROM "$rollup"./b/ WHERE $timeFilter AND F AND V`, `SELECT a FROM "$rollup"./b/ WHERE $timeFilter`, true)
	f(`SELECT sum(n) FROM (SELECT a AS n FROM "b" WHERE $timeFilter AND F AND V AND I) WHERE $timeFilter`, `SELECT sum(n) FROM (SELECT a AS n FROM "b" WHERE $timeFilter) WHERE $timeFilter`, true)
	f(`SELECT sum(n) FROM (SELECT a AS n FROM "b") WHERE $timeFilter`, `SELECT sum(n) FROM (SELECT a AS n FROM "b") WHERE $timeFilter`, false)
	f(`SELECT a FROM "b" WHERE $timeFilter AND F AND V AND I; SELECT a FROM "c"`, `SELECT a FROM "b" WHERE $timeFilter; SELECT a FROM "c"`, false)
	f(`SELECT "$timeFilter from b" FROM "b" WHERE c = 'from (\' ' AND $timeFilter AND F AND V AND I`, `SELECT "$timeFilter from b" FROM "b" WHERE c = 'from (\' ' AND $timeFilter`, true)
}

// TestUnfilteredIsSaid on the panel, where there is something to pick.
func TestUnfilteredIsSaid(t *testing.T) {
	t.Parallel()
	g := ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D", Panels: []dashboard.Panel{{Title: "P", Description: "All.", Queries: []dashboard.Query{
		{InfluxQL: `SELECT sum(n) FROM (SELECT a AS n FROM "b") WHERE $timeFilter`}}}}}}}
	for _, c := range []struct {
		render func(ephor.Grafana) ([]Dashboard, error)
		want   int
	}{{Dashboards, 0}, {GrafanaDashboards, 1}, {StoreDashboards, 1}} {
		boards, err := c.render(g)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(boards[0].JSON), `"All. `+unfilteredNote+`"`); n != c.want || strings.Count(string(boards[0].JSON), unfilteredNote) != c.want {
			t.Errorf("it is said %d times, want %d", n, c.want)
		}
	}
}
