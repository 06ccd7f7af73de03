package monitor

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ephor-io/ephor"
)

// GrafanaSettings are lines of grafana.ini for every Grafana of ours, the host's and the laptop's: sections that
// nothing else is set in. What Grafana comes with is all that it runs: by itself it fetches some twenty plugins at its start,
// of whatever version is the newest then.
//
// https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
const GrafanaSettings = `[users]
allow_sign_up = false
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[plugins]
preinstall_disabled = true
plugin_admin_enabled = false
[dashboards]
min_refresh_interval = 1s
`

// influxSource is a store as Grafana's files of provisioning have it, and its HTTP API.
//
// https://grafana.com/docs/grafana/latest/datasources/influxdb/configure-influxdb-data-source/
type influxSource struct {
	Name      string         `json:"name"`
	UID       string         `json:"uid"`
	Type      string         `json:"type"`
	Access    string         `json:"access"`
	URL       string         `json:"url"`
	Database  string         `json:"database"` // where older Grafanas look for it
	IsDefault bool           `json:"isDefault"`
	JSONData  map[string]any `json:"jsonData"`
}

// storeSource is the store at url. What it asks goes by POST, since a statement may be longer than an address.
func storeSource(name, uid, url string) influxSource {
	return influxSource{Name: name, UID: uid, Type: "influxdb", Access: "proxy", URL: url, Database: Database,
		JSONData: map[string]any{"dbName": Database, "httpMode": "POST"}}
}

// ownSource is the one data source of a Grafana that is ours alone.
func ownSource(url string) influxSource {
	s := storeSource("Ephor", DataSourceUID, url)
	s.IsDefault = true
	return s
}

// provider is the file that says in which folder the dashboards are.
//
// https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards
func provider(folder string) map[string]any {
	return map[string]any{"apiVersion": 1, "providers": []any{map[string]any{
		"name": "ephor", "type": "file", "disableDeletion": false, "allowUiUpdates": false, "updateIntervalSeconds": 10,
		"options": map[string]any{"path": folder},
	}}}
}

// View is what a Grafana shows of an application. It goes through JSON.
type View struct {
	Boards []Dashboard `json:"boards,omitempty"`
	// Rules are the alert rules, as Alerts renders them.
	Rules []byte `json:"rules,omitempty"`
}

// ViewOf renders g for a Grafana before a store that rolls up as the host's does. Its errors are
// those of GrafanaDashboards and Alerts.
func ViewOf(g ephor.Grafana) (View, error) {
	boards, err := GrafanaDashboards(g)
	if err != nil {
		return View{}, err
	}
	rules, err := Alerts(g)
	return View{Boards: boards, Rules: rules}, err
}

// file is one of Grafana's provisioning, by its place in that folder.
type file struct {
	name string
	text []byte
}

// files are what Grafana shows:
//
//	json/UID.json        each dashboard
//	alerting/ephor.json  the alert rules
func (v View) files() []file {
	var all []file
	for _, b := range v.Boards {
		all = append(all, file{"json/" + b.UID + ".json", b.JSON})
	}
	if len(v.Rules) > 0 {
		all = append(all, file{"alerting/ephor.json", v.Rules})
	}
	return all
}

// Provisioning are the files of the folder that a Grafana of ours is provisioned from, by their names, where
// the store at url asks for no credentials. folder is that folder.
//
// https://grafana.com/docs/grafana/latest/administration/provisioning/
func (v View) Provisioning(folder, url string) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, f := range v.files() {
		all[f.name] = f.text
	}
	for name, value := range map[string]any{
		"datasources/ephor.yaml": map[string]any{"apiVersion": 1, "datasources": []any{ownSource(url)}},
		"dashboards/ephor.yaml":  provider(folder + "/json"),
	} {
		text, err := json.MarshalIndent(value, "", "  ") // which YAML is, too
		if err != nil {
			return nil, fmt.Errorf("rendering %s: %w", name, err)
		}
		all[name] = append(text, '\n')
	}
	return all, nil
}

// grafanaScript is what the boot script has of this file.
func grafanaScript() string {
	var b strings.Builder
	for _, part := range []struct {
		name  string
		value any
	}{{"source", ownSource("")}, {"provider", provider("")}} {
		text, err := json.Marshal(part.value)
		if err != nil {
			panic(err) // strings and numbers
		}
		fmt.Fprintf(&b, "\ngrafana_%s() { printf '%%s' '%s'; }\n", part.name, text)
	}
	fmt.Fprintf(&b, "\ngrafana_settings() {\n  cat <<'END'\n%sEND\n}\n\n", GrafanaSettings)
	return b.String()
}
