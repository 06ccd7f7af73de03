package monitor

import (
	"bytes"
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

// TestOwnModelTakes what Grafanas of all ages export: every data source that is an InfluxDB is the store, by type and UID.
func TestOwnModelTakes(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		boards, err := Dashboards(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D", JSON: []byte(text)}}})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		var flat bytes.Buffer
		if err := json.Compact(&flat, boards[0].JSON); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(flat.String(), want) {
			t.Errorf("no %s in %s", want, &flat)
		}
	}
	panel := func(source, more string) string {
		return `{"panels": [{"type": "text", "datasource": ` + source + `}]` + more + `}`
	}
	const ours = `"panels":[{"datasource":{"type":"influxdb","uid":"ephor"},`
	f("\ufeff"+`{"panels": []} `+"\n", `{"panels":[],"title":"D","uid":"d"}`)
	f(`{"panels": [{"type": "row", "panels": []}, {"type": "row", "panels": [{"type": "text"}]}]}`, `"panels":[{"panels":[],"type":"row"},{"panels":[{"type":"text"}],"type":"row"}]`)
	f(`{"panels": [{"libraryPanel": {"uid": "u", "name": "n"}}]}`, `"panels":[{"libraryPanel":{`)
	f(`{"panels": [], "refresh": false}`, `{"panels":[],"title":"D","uid":"d"}`)
	f(panel(`"${DS_INFLUXDB}"`, `, "__inputs": [{"name": "DS_INFLUXDB", "type": "datasource", "pluginId": "influxdb"}]`), ours)
	f(panel(`{"uid": "${DS_INFLUXDB}"}`, `, "__inputs": [{"name": "DS_INFLUXDB", "type": "datasource", "pluginId": "influxdb"}]`), ours)
	f(panel(`{"type": "influxdb", "uid": "${DS_INFLUXDB}"}`, `, "__inputs": [{"name": "DS_INFLUXDB", "type": "datasource", "pluginId": "influxdb"}]`), ours)
	f(panel(`"$store"`, `, "templating": {"list": [{"name": "store", "type": "datasource", "query": "influxdb"}]}`), ours)
	f(panel(`"$metrics"`, `, "templating": {"list": [{"name": "metrics", "type": "datasource", "query": "prometheus"}]}`), `"panels":[{"datasource":{"type":"prometheus","uid":"$metrics"}`)
	f(panel(`{"uid": "ephor"}`, ``), ours)
	f(panel(`{"type": "influxdb"}`, ``), ours)
	f(panel(`"-- Mixed --"`, ``), `"panels":[{"datasource":{"type":"datasource","uid":"-- Mixed --"}`)
	f(panel(`{"type": "loki", "uid": "l"}`, ``), `"panels":[{"datasource":{"type":"loki","uid":"l"}`)
	f(panel(`"default"`, ``), `"panels":[{"datasource":null,`)
	f(panel(`null`, ``), `"panels":[{"datasource":null,`)
	f(`{"panels": [], "annotations": {"list": [{"name": "a", "datasource": "-- Grafana --", "enable": true, "iconColor": "red"}]}}`, `"datasource":{"type":"grafana","uid":"-- Grafana --"}`)
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
	f(``, "its JSON is empty")
	f(" \n", "its JSON is empty")
	f("\xff\xfe{\x00}\x00", "in UTF-16")
	f(`null`, "it is null")
	f(`{`, "line 1, column 1: unexpected end of JSON input")
	f("{\n  \"panels\": [],,\n}", "line 2, column 16: invalid character ','")
	f("{\"panels\": []}\n{}", "line 2, column 1: invalid character '{' after top-level value")
	f("{\"panels\": []}\n<<<<<<< HEAD", "line 2, column 1: invalid character '<' after top-level value")
	f(`[]`, "cannot unmarshal array")
	f(`{"title": "x"}`, "its JSON has no panels")
	f(`{"dashboard": {"panels": []}}`, "answer of Grafana's API")
	f(`{"apiVersion": "dashboard.grafana.app/v2beta1", "spec": {}}`, "export the classic model")
	f(`{"panels": [{"type": "text"}, {"type": "stat", "title": 7}]}`, "does not keep to Grafana's schema: panels[1]: ")
	f(`{"panels": [{"type": "text"}, null]}`, "its JSON, panels[1]: it is null, and a panel is an object")
	f(`{"panels": ["text"]}`, `its JSON, panels[0]: it is "text", and a panel is an object`)
	f(`{"panels": [{"title": "x", "targets": "no"}]}`, `its JSON, panels[0] "x": it has no type`)
	f(`{"panels": [{"title": "x", "type": ""}]}`, `its JSON, panels[0] "x": it has no type`)
	f(`{"panels": [{"title": "x", "type": 7}]}`, `its JSON, panels[0] "x": it has no type`)
	f(`{"panels": [{"type": "row", "title": "r", "panels": [{"type": "text"}, {"title": "x", "targets": "no"}]}]}`, `its JSON, panels[0] "r".panels[1] "x": it has no type`)
	f(`{"panels": [{"type": "row", "panels": [null]}]}`, "its JSON, panels[0].panels[0]: it is null")
	f(`{"panels": [{"type": "row", "panels": [{"type": "stat", "targets": "no"}]}]}`, "does not keep to Grafana's schema: panels[0].panels[0]: ")
	f(`{"panels": [{"type": "row", "panels": "no"}]}`, "does not keep to Grafana's schema: panels[0]: ")
	f(`{"panels": [{"targets": "no", "libraryPanel": {"uid": "u", "name": "n"}}]}`, "does not keep to Grafana's schema: panels[0]: ")
	f(`{"panels": [], "refresh": {}}`, "does not keep to Grafana's schema")
	f(`{"panels": [{"type": "text", "title": "p", "targets": [{"datasource": "Influx"}]}]}`, `its JSON, panels[0] "p".targets[0].datasource: the data source "Influx" is named as before Grafana 8.3`)
	f(`{"panels": [{"type": "text", "title": "p", "datasource": {"uid": "abc"}}]}`, `panels[0] "p".datasource: the data source of the UID "abc" has no type`)
	f(`{"panels": [{"type": "text", "datasource": 7}]}`, `panels[0].datasource: that is no data source`)
	f(`{"panels": [{"type": "text", "datasource": {"type": "prometheus", "uid": "${DS_P}"}}], "__inputs": [{"name": "DS_P", "type": "datasource", "pluginId": "prometheus"}]}`,
		"nobody is asked here")
	f(`{"panels": [], "templating": {"list": [{"name": "v", "type": "query", "datasource": "Influx"}]}}`, `templating.list[0] "v".datasource: the data source "Influx"`)
}
