package dashboard

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/influxdata/influxql"
)

func TestUID(t *testing.T) {
	t.Parallel()
	f := func(title, want string) {
		t.Helper()
		if got := (Dashboard{Title: title}).UID(); got != want {
			t.Errorf("UID of %q = %q, want %q", title, got, want)
		}
	}
	f("Sparta Hello World", "sparta-hello-world")
	f("  Sparta -  Hello ", "sparta-hello")
	f("A/B", "a-b-7e560f81")
	f("Überblick", "berblick-2f00c85e")
	f("日本", "9f26ee51")
	f("", "811c9dc5")
	f(strings.Repeat("a", 40), strings.Repeat("a", 40))
	f(strings.Repeat("a", 41), strings.Repeat("a", 31)+"-ec613944")
}

// FuzzUID holds what Grafana demands of a UID, and that titles which differ in more than spacing
// and case have different ones.
func FuzzUID(f *testing.F) {
	f.Add("Sparta Hello World", "Sparta: Hello World")
	f.Add("Überblick", "Uberblick")
	f.Add("", " ")
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		ua, ub := (Dashboard{Title: a}).UID(), (Dashboard{Title: b}).UID()
		if !valid.MatchString(ua) || strings.HasSuffix(ua, "-") {
			t.Errorf("UID of %q is %q", a, ua)
		}
		plain := func(s string) string {
			return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '-' }), "-")
		}
		// Checksums of 32 bits collide; a fuzzer finds such pairs only by chance.
		if ua == ub && plain(a) != plain(b) && utf8.ValidString(a) && utf8.ValidString(b) && !strings.ContainsAny(ua, "0123456789") {
			t.Errorf("%q and %q have the same UID %q", a, b, ua)
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := Query{InfluxQL: `SELECT count("a") FROM "b" WHERE $timeFilter`}
	f := func(d Dashboard, want string) {
		t.Helper()
		got := ""
		if err := d.Validate(); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Validate of %+v (-want +got):\n%s", d, diff)
		}
	}
	one := func(p Panel) Dashboard { return Dashboard{Title: "D", Panels: []Panel{p}} }
	f(Dashboard{Title: "D"}, "")
	f(Dashboard{}, `dashboard "": it has no title`)
	f(one(Panel{Title: "P", Queries: []Query{good}}), "")
	f(Dashboard{Title: "D", JSON: []byte("{}"), Panels: []Panel{{Title: "P", Queries: []Query{good}}}}, `dashboard "D": it has JSON and panels: the one stands in place of the other`)
	f(one(Panel{Title: "P", Queries: []Query{{InfluxQL: good.InfluxQL, Rollup: `SELECT sum("a") FROM "b" WHERE $timeFilter`}}}),
		`dashboard "D": panel 1 "P": query 1: the statement for long ranges has to read FROM "$rollup"."orders" WHERE $timeFilter, or "$minutes": spelled so, and only then what else there is`)
	f(one(Panel{Title: "P", Queries: []Query{{InfluxQL: `SELECT count("a") FROM b WHERE $timeFilter`, Rollup: `SELECT sum("a") FROM "$rollup"."b" WHERE $timeFilter`}}}),
		`dashboard "D": panel 1 "P": query 1: beside a statement for long ranges, it has to read FROM "orders" WHERE $timeFilter: spelled so, and only then what else there is`)
	f(one(Panel{Queries: []Query{good}}), `dashboard "D": panel 1 "": it has no title`)
	f(one(Panel{Title: "P"}), `dashboard "D": panel 1 "P": it has no query`)
	f(one(Panel{Title: "P", Kind: "pie", Queries: []Query{good}}), `dashboard "D": panel 1 "P": the kind "pie" is not known`)
	f(one(Panel{Title: "P", Reduce: "p99", Queries: []Query{good}}), `dashboard "D": panel 1 "P": the reduction "p99" is not known`)
	f(one(Panel{Title: "P", Width: 25, Queries: []Query{good}}), `dashboard "D": panel 1 "P": its width is 25; the grid has 24 columns`)
	f(one(Panel{Title: "P", Height: -1, Queries: []Query{good}}), `dashboard "D": panel 1 "P": its height is -1`)
	f(one(Panel{Title: "P", Queries: []Query{{InfluxQL: " "}}}), `dashboard "D": panel 1 "P": query 1: the statement is empty`)
	f(one(Panel{Title: "P", Queries: []Query{good, {InfluxQL: "SELECT 1"}}}),
		`dashboard "D": panel 1 "P": query 2: without $timeFilter it would read everything there is`)
	f(one(Panel{Title: "P", Queries: []Query{{InfluxQL: good.InfluxQL, Color: "mauve"}}}),
		`dashboard "D": panel 1 "P": query 1: the color "mauve" is not one of red, green, blue, orange, yellow, purple`)
}

// TestReads: a statement of which package monitor could not make one for Grafana is refused.
func TestReads(t *testing.T) {
	t.Parallel()
	f := func(want bool, statement string, policies ...string) {
		t.Helper()
		if got := reads(statement, policies...); got != want {
			t.Errorf("%t: %s", got, statement)
		}
	}
	f(true, `SELECT a FROM "b" WHERE $timeFilter`)
	f(true, `SELECT a FROM "b \"from\" c" WHERE $timeFilter GROUP BY "from"`)
	f(true, `SELECT "from" FROM "b" WHERE $timeFilter AND "c" = 'from d'`)
	f(true, `SELECT sum("n") FROM (SELECT a AS "n" FROM "b" WHERE $timeFilter) WHERE $timeFilter`)
	f(true, `SELECT sum("n") from (SELECT a AS "n" FROM "b" WHERE $timeFilter) WHERE $timeFilter`)
	for _, statement := range []string{
		`SELECT a from "b" where $timeFilter`, `SELECT a FROM b WHERE $timeFilter`, "SELECT a FROM \"b\"\nWHERE $timeFilter", `SELECT a FROM "b" WHERE ($timeFilter)`,
		`SELECT a FROM "b" WHERE "ok" = true AND $timeFilter`, `SELECT a FROM "b", "c" WHERE $timeFilter`, `SELECT a FROM /b/ WHERE $timeFilter`,
		`SELECT a FROM "p"."b" WHERE $timeFilter`, `SELECT a FROM "b" WHERE $timeFilters`, `SELECT a FROM "" WHERE $timeFilter`, `SELECT a FROM "b`, `SELECT a FROM`, `$timeFilter`,
		`SELECT sum("n") FROM (SELECT a AS "n" FROM b WHERE $timeFilter) WHERE $timeFilter`,
		`SELECT a FROM "b" WHERE $timeFilter; SELECT a FROM c WHERE $timeFilter`,
	} {
		f(false, statement)
	}
	f(true, `SELECT a FROM "$rollup"."b" WHERE $timeFilter`, "$rollup", "$minutes")
	f(true, `SELECT a FROM "$minutes"."b" WHERE $timeFilter`, "$rollup", "$minutes")
	f(false, `SELECT a FROM "b" WHERE $timeFilter`, "$rollup", "$minutes")
	f(false, `SELECT a FROM "$minutes"."b" WHERE ($timeFilter)`, "$rollup", "$minutes")
}

func TestTwoPanelsOfOneTitle(t *testing.T) {
	t.Parallel()
	d := Dashboard{Title: "D", Panels: []Panel{Counter("hellos"), {Title: "hellos", Kind: Row}, Gauge("hellos")}}
	err := d.Validate()
	if want := `dashboard "D": panel 3 "hellos": there are two of that title`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestStandardIsValid(t *testing.T) {
	t.Parallel()
	if err := (Dashboard{Title: "D", Panels: Standard()}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestStatementsParse also quotes the names of instruments that have the language's own
// characters in them.
func TestStatementsParse(t *testing.T) {
	t.Parallel()
	panels := Standard()
	names := []string{"hellos", `a "quoted" one`, `back\slash`, "line\nbreak", "select"}
	for _, name := range names {
		panels = append(panels, Counter(name), Gauge(name), Histogram(name))
	}
	complete := strings.NewReplacer("$timeFilter", "time >= 1ms AND time <= 2ms", "$__interval_ms", "1000", "$__interval", "1s")
	found := map[string]bool{}
	for _, p := range panels {
		for _, q := range p.Queries {
			s, err := influxql.ParseStatement(complete.Replace(q.InfluxQL))
			if err != nil {
				t.Errorf("panel %q: %s: %v", p.Title, q.InfluxQL, err)
				continue
			}
			for _, m := range s.(*influxql.SelectStatement).Sources.Measurements() {
				found[m.Name] = true
			}
		}
	}
	for _, name := range append(names, "invocation", "publisher", "runtime", "load") {
		if !found[name] {
			t.Errorf("no statement reads the measurement %q", name)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	f := func(p Panel, w, h int) {
		t.Helper()
		if gw, gh := p.Size(); gw != w || gh != h {
			t.Errorf("size of %+v is %d by %d, want %d by %d", p, gw, gh, w, h)
		}
	}
	f(Panel{}, 12, 8)
	f(Panel{Kind: Stat}, 4, 4)
	f(Panel{Kind: Stat, Width: 6}, 6, 4)
	f(Panel{Kind: Row, Width: 3}, 24, 1)
	f(Panel{Kind: Bars, Width: 24, Height: 3}, 24, 3)
}

func TestPath(t *testing.T) {
	t.Parallel()
	d := Dashboard{Title: "Sparta Hello World"}
	if got, want := d.Path(), "/d/sparta-hello-world/sparta-hello-world"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestHeatMapHasNoGaps: Grafana draws all cells as wide as from the first column to the second, so that every row has every
// interval, of the points as of the rollups.
//
// https://github.com/grafana/grafana/blob/main/public/app/plugins/panel/heatmap/utils.ts
func TestHeatMapHasNoGaps(t *testing.T) {
	t.Parallel()
	for _, p := range Standard() {
		if p.Kind != Heat {
			continue
		}
		for _, q := range p.Queries {
			for _, text := range []string{q.InfluxQL, q.Rollup} {
				if !strings.HasSuffix(text, " fill(0)") {
					t.Errorf("row %s leaves intervals out: %s", q.Alias, text)
				}
			}
		}
	}
}
