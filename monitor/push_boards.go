package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// A TakenError is that a dashboard's title is another one's in the folder that it goes to. Grafana takes no second of a
// title there before 11.3, and whoever overwrites then overwrites that one, whatever its UID.
//
// https://github.com/grafana/grafana/pull/90687
type TakenError struct {
	Title string
	// Folder is the UID of the folder, "" for none.
	Folder string
	// UID and URL are the other one's; both are "" where Grafana does not tell them.
	UID, URL string
}

func (e *TakenError) Error() string {
	folder, other := "outside of folders", "which Grafana does not show"
	if e.Folder != "" {
		folder = "in the folder " + e.Folder
	}
	if e.UID != "" {
		other = "at " + e.URL + ", of the UID " + e.UID
	}
	return fmt.Sprintf("dashboard %q: %s there is another of that title, %s; it is left as it is", e.Title, folder, other)
}

// pushBoard puts one dashboard there and returns its address. Nothing is overwritten but what has its UID, in the version
// that was read here: Grafana refuses what somebody has saved since.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#create--update-dashboard
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
	if exists {
		var had struct{ Version json.Number }
		if err := json.Unmarshal(now.Dashboard, &had); err != nil {
			return "", fmt.Errorf("%s: what Grafana answers: %w", what, err)
		}
		if folder == now.Meta.FolderUID && now.Meta.URL != "" && same(now.Dashboard, model) {
			return g.at(now.Meta.URL), nil
		}
		model["version"] = had.Version
	}
	body := map[string]any{"dashboard": model, "overwrite": false, "message": "put here by Ephor"}
	if folder != "" {
		body["folderUid"] = folder
	}
	var answer struct{ URL string }
	err = g.call(ctx, ask{part: PartDashboard, what: what, method: http.MethodPost, path: []string{"api/dashboards/db"}, body: body}, &answer)
	var refused *RefusedError
	if errors.As(err, &refused) && refused.Code == codeNameExists {
		return "", g.taken(ctx, b.Title, folder)
	}
	if err != nil {
		return "", err
	}
	return g.at(answer.URL), nil
}

// codeNameExists is Grafana's word for a title that is taken.
const codeNameExists = "name-exists"

// taken says whose the title is.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/folder_dashboard_search/
func (g *api) taken(ctx context.Context, title, folder string) error {
	e := &TakenError{Title: title, Folder: folder}
	var found []struct{ UID, Title, URL, FolderUID string }
	a := ask{part: PartDashboard, what: "dashboards called " + title, path: []string{"api/search"}, query: url.Values{"query": {title}, "type": {"dash-db"}}}
	if err := g.call(ctx, a, &found); err != nil {
		return errors.Join(e, err)
	}
	for _, f := range found {
		if strings.EqualFold(f.Title, title) && f.FolderUID == folder {
			e.UID, e.URL = f.UID, g.at(f.URL)
		}
	}
	return e
}

// at is an address of a path of Grafana's, which has in it the path that Grafana is served under.
func (g *api) at(path string) string { return g.base.Scheme + "://" + g.base.Host + path }

// same reports whether a model says what another does, but for the numbers that a Grafana gives one.
func same(text []byte, model map[string]any) bool {
	had, err := decode(text)
	if err != nil {
		return false
	}
	model = maps.Clone(model)
	for _, m := range []map[string]any{had, model} {
		delete(m, "id")
		delete(m, "version")
	}
	return reflect.DeepEqual(had, model)
}

// withSource is a dashboard whose panels ask another data source.
func withSource(text []byte, uid string) (map[string]any, error) {
	model, err := decode(text)
	if err != nil {
		return nil, err
	}
	replaceSource(model, DataSourceUID, uid)
	return model, nil
}

// decode keeps numbers as they are written.
func decode(text []byte) (model map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return model, d.Decode(&model)
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
