package ephor_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// TestInstrumentsAreShownOnce: on the first dashboard, unless some dashboard has them.
func TestInstrumentsAreShownOnce(t *testing.T) {
	t.Parallel()
	f := func(g ephor.Grafana, want ...[]string) {
		t.Helper()
		app := ephor.New("Shop")
		app.Monitor(g)
		app.Instruments(dashboard.Counter("orders"), dashboard.Gauge("depth"), dashboard.Histogram("sizes"))
		for range 2 { // asking changes nothing
			got, _ := app.Monitoring()
			if err := dashboard.ValidateAll(got.Dashboards); err != nil {
				t.Error(err)
			}
			var titles [][]string
			for _, d := range got.Dashboards {
				var of []string
				for _, p := range d.Panels {
					of = append(of, p.Title)
				}
				titles = append(titles, of)
				if err := d.Validate(); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(want, titles); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
	own := dashboard.Counter("orders")
	own.Title = "How many orders"
	f(ephor.Grafana{}, []string{"orders", "depth", "sizes"})
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "A"}, {Title: "B", Panels: []dashboard.Panel{own}}}}, []string{"depth", "sizes"}, []string{"How many orders"})
	queue := dashboard.Dashboard{Title: "Queue", JSON: []byte(`{"panels": []}`)}
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{queue}}, nil, []string{"orders", "depth", "sizes"})
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{queue, {Title: "Other"}}}, nil, []string{"orders", "depth", "sizes"})
	// What somebody's JSON shows need not be shown once more.
	shows := func(queries string) dashboard.Dashboard {
		return dashboard.Dashboard{Title: "Queue", JSON: []byte(`{"templating": {"list": [{"query": "SHOW TAG VALUES FROM \"sizes\""}]}, "panels": [{"type": "row", "panels": [{"targets": [` + queries + `]}]}]}`)}
	}
	raw, policy, built := `{"query": "SELECT sum(\"count\") FROM \"orders\" WHERE $timeFilter"}`, `{"query": "select 1 from \"autogen\".\"depth\""}`, `{"measurement": "sizes", "rawQuery": false}`
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{shows(raw)}}, nil, []string{"depth", "sizes"})
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{shows(raw + "," + policy + "," + built)}}, nil)
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{shows(built), {Title: "Other"}}}, nil, []string{"orders", "depth"})
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{shows(`{"query": "SELECT \"orders\", \"depth\" FROM \"sizes2\""}`)}}, nil, []string{"orders", "depth", "sizes"})
	queue.Title = "shop"
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{queue}}, nil, []string{"orders", "depth", "sizes"})
	other := own
	other.Title = "depth"
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "A", Panels: []dashboard.Panel{other}}}}, []string{"depth", "sizes"})
}

// TestValidateMonitoring: what is wrong with dashboards and thresholds is told before anything is made.
func TestValidateMonitoring(t *testing.T) {
	t.Parallel()
	app := ephor.New("Shop")
	app.Function("Hello", func() {})
	app.Monitor(ephor.Grafana{
		Dashboards: []dashboard.Dashboard{{Title: "The One"}, {Title: "the one"}, {}},
		Alerts:     dashboard.Alerts{ErrorShare: 2},
	})
	err := app.Validate()
	want := `dashboard "the one": its UID the-one is that of "The One": change one of the titles
dashboard "": it has no title
alerts: an error share of 2 is never exceeded: it is a part, such as 0.05`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
