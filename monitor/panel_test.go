package monitor

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// TestDescriptionsAreTrue: what is said of long ranges is said where there are rollups, and all else everywhere.
func TestDescriptionsAreTrue(t *testing.T) {
	t.Parallel()
	g := ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D", Panels: []dashboard.Panel{
		dashboard.Counter("hellos"), dashboard.Gauge("depth"), dashboard.Histogram("sizes"),
		{Title: "raw", Description: "Ours; over more than 15 minutes, ours too.", Queries: []dashboard.Query{{InfluxQL: `SELECT a FROM "b" WHERE $timeFilter`}}},
	}}}}
	described := func(render func(ephor.Grafana) ([]Dashboard, error)) map[string]string {
		t.Helper()
		boards, err := render(g)
		if err != nil {
			t.Fatal(err)
		}
		var model struct {
			Panels []struct{ Title, Description string }
		}
		if err := json.Unmarshal(boards[0].JSON, &model); err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, p := range model.Panels {
			all[p.Title] = p.Description
		}
		return all
	}
	page, host, store := described(Dashboards), described(GrafanaDashboards), described(StoreDashboards)
	said := 0
	for title, text := range host {
		if _, there := page[title]; there && page[title] != text {
			t.Errorf("%s: %q on the page and %q in Grafana", title, page[title], text)
		}
		short := store[title]
		if title != "raw" && strings.Contains(strings.ToLower(short), "15 minutes") || !strings.HasPrefix(text, strings.TrimSuffix(short, ".")) || (text == "") != (short == "") {
			t.Errorf("%s: before a store of one's own it is said: %q, and before the host's %q", title, short, text)
		}
		if short != text {
			said++
		}
	}
	if said < 6 || store["raw"] != "Ours; over more than 15 minutes, ours too." {
		t.Errorf("%d panels tell of rollups, and of its own it is said: %q", said, store["raw"])
	}
	if want := "What the counter grew by in each interval, stacked by execution environment."; store["hellos"] != want {
		t.Errorf("%q, want %q", store["hellos"], want)
	}
}
