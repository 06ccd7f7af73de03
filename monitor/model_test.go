package monitor

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// TestOwnModel: a dashboard exported from some Grafana is shown by the page and by the host, and asks the host's store.
func TestOwnModel(t *testing.T) {
	t.Parallel()
	g := ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "Queue", JSON: []byte(`{
		"id": 12, "version": 3, "uid": "theirs", "title": "Theirs", "weekStart": "", "unheardOf": {"x": 9007199254740993},
		"panels": [{"type": "timeseries", "title": "p", "datasource": {"type": "influxdb", "uid": "abc"},
			"targets": [{"refId": "A", "query": "SELECT 1", "datasource": {"type": "influxdb", "uid": "abc"}}]},
			{"type": "text", "datasource": {"type": "datasource", "uid": "-- Mixed --"}}]}`)}}}
	for _, render := range []func(ephor.Grafana) ([]Dashboard, error){Dashboards, GrafanaDashboards} {
		boards, err := render(g)
		if err != nil {
			t.Fatal(err)
		}
		text := string(boards[0].JSON)
		var model struct{ ID, Version any }
		if err := json.Unmarshal(boards[0].JSON, &model); err != nil || model.ID != nil || model.Version != nil {
			t.Errorf("%v: %+v", err, model)
		}
		for _, want := range []string{`"uid": "queue"`, `"title": "Queue"`, `"uid": "-- Mixed --"`, "9007199254740993"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
		if strings.Contains(text, "abc") || strings.Count(text, `"uid": "ephor"`) != 2 {
			t.Errorf("it asks another store: %s", text)
		}
	}
	if pieces, err := bundle(g); err != nil || len(pieces) == 0 {
		t.Errorf("the bundle: %d, %v", len(pieces), err)
	}
}

func TestOwnModelRefuses(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		err := Check(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D", JSON: []byte(text)}}})
		if err == nil || !strings.Contains(err.Error(), `dashboard "D"`) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	f(`{`, "unexpected EOF")
	f(`[]`, "cannot unmarshal array")
	f(`{"title": "x"}`, "its JSON has no panels")
	f(`{"dashboard": {"panels": []}}`, "answer of Grafana's API")
	f(`{"apiVersion": "dashboard.grafana.app/v2beta1", "spec": {}}`, "export the classic model")
	f(`{"panels": [{"type": "stat", "title": 7}]}`, "does not keep to Grafana's schema")
	f(`{"panels": [], "refresh": {}}`, "does not keep to Grafana's schema")
}
