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
	other := own
	other.Title = "depth"
	f(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "A", Panels: []dashboard.Panel{other}}}}, []string{"depth", "sizes"})
}
