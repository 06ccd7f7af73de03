package monitor

import (
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// TestDashboardsKeepToGrafanasSchema reads every dashboard back with the types that Grafana generates from
// its schema, strictly: a field that is missing, unknown or of another type is an error, in panels' options
// too. InfluxQL queries are the one thing that Grafana has no schema of.
//
// https://github.com/grafana/grafana-foundation-sdk
func TestDashboardsKeepToGrafanasSchema(t *testing.T) {
	types := cog.NewRuntime() // one for the process, which is why nothing here is parallel
	for _, v := range []variants.PanelcfgConfig{timeseries.VariantConfig(), stat.VariantConfig(), heatmap.VariantConfig()} {
		types.RegisterPanelcfgVariant(v)
	}
	g := hello()
	g.Dashboards = append(g.Dashboards, dashboard.Dashboard{Title: "Other", Panels: []dashboard.Panel{
		dashboard.Gauge("depth"), dashboard.Histogram("sizes"),
		{Title: "A bar", Kind: dashboard.Bars, Stack: true, Width: 3, Queries: []dashboard.Query{{InfluxQL: "SELECT 1 WHERE $timeFilter", Color: "red"}}},
	}})
	for name, render := range map[string]func(ephor.Grafana) ([]Dashboard, error){"the page": Dashboards, "Grafana": GrafanaDashboards, "a store": StoreDashboards} {
		boards, err := render(g)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range boards {
			if err := strictly(b.JSON); err != nil {
				t.Errorf("%s for %s: %v", b.Title, name, err)
			}
			// The test can fail: a word in another place is found, on every level.
			for _, w := range [][2]string{
				{`"refresh": "5s"`, `"refresh": 5`}, {`"title": "Invocations"`, `"tytle": "Invocations"`},
				{`"colorMode": "value"`, `"colourMode": "value"`}, {`"calculate": false`, `"calculate": "no"`}, {`"lineWidth": 1.5`, `"lineWidth": "thin"`},
			} {
				wrong := strings.Replace(string(b.JSON), w[0], w[1], 1)
				if wrong == string(b.JSON) {
					t.Errorf("%s for %s has no %s", b.Title, name, w[0])
				} else if strictly([]byte(wrong)) == nil {
					t.Errorf("%s for %s: %s was taken", b.Title, name, w[1])
				}
			}
		}
	}
}

func strictly(text []byte) error {
	var board grafana.Dashboard
	if err := board.UnmarshalJSONStrict(text); err != nil {
		return err
	}
	return board.Validate()
}
