package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
)

// pushBoard puts one dashboard there and returns its address.
func (g *api) pushBoard(ctx context.Context, b Dashboard) (string, error) {
	what := fmt.Sprintf("dashboard %q", b.Title)
	model, err := withSource(b.JSON, g.Source)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	var now struct {
		Dashboard json.RawMessage
		Meta      struct{ URL, FolderUID string }
	}
	exists, err := there(g.call(ctx, ask{part: PartDashboard, what: what, path: []string{"api/dashboards/uid", b.UID}}, &now))
	if err != nil {
		return "", err
	}
	// Without a folder Grafana would move it out of the one that somebody has put it into.
	folder := g.Folder
	if folder == "" {
		folder = now.Meta.FolderUID
	}
	if exists && folder == now.Meta.FolderUID && now.Meta.URL != "" && same(now.Dashboard, model) {
		return g.at(now.Meta.URL), nil
	}
	body := map[string]any{"dashboard": json.RawMessage(model), "overwrite": true, "message": "put here by Ephor"}
	if folder != "" {
		body["folderUid"] = folder
	}
	var answer struct{ URL string }
	err = g.call(ctx, ask{part: PartDashboard, what: what, method: http.MethodPost, path: []string{"api/dashboards/db"}, body: body}, &answer)
	if err != nil {
		return "", err
	}
	return g.at(answer.URL), nil
}

// at is an address of a path of Grafana's, which has in it the path that Grafana is served under.
func (g *api) at(path string) string { return g.base.Scheme + "://" + g.base.Host + path }

// same reports whether two models say the same, but for the numbers that a Grafana gives one.
func same(a, b []byte) bool {
	var models [2]map[string]any
	for i, text := range [][]byte{a, b} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if d.Decode(&models[i]) != nil {
			return false
		}
		delete(models[i], "id")
		delete(models[i], "version")
	}
	return reflect.DeepEqual(models[0], models[1])
}

// withSource is a dashboard whose panels ask another data source.
func withSource(text []byte, uid string) ([]byte, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	replaceSource(v, DataSourceUID, uid)
	return json.Marshal(v)
}

// replaceSource names another InfluxDB data source wherever one is named: in place of from, or of any
// where from is "".
func replaceSource(v any, from, to string) {
	switch v := v.(type) {
	case map[string]any:
		if uid := v["uid"]; v["type"] == "influxdb" && uid != nil && (from == "" || uid == from) {
			v["uid"] = to
		}
		for _, item := range v {
			replaceSource(item, from, to)
		}
	case []any:
		for _, item := range v {
			replaceSource(item, from, to)
		}
	}
}
