package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// Check reports what Dashboards, GrafanaDashboards and Alerts would refuse.
func Check(g ephor.Grafana) error {
	_, err := bundle(g)
	return err
}

// ownModel is a dashboard that somebody made in Grafana, under the title and UID that it has here. What asked an InfluxDB
// there asks the host's store.
func ownModel(d dashboard.Dashboard) ([]byte, error) {
	model, err := readModel(d.JSON)
	if err != nil {
		return nil, err
	}
	_, resource := model["spec"]
	_, wrapped := model["dashboard"]
	panels, has := model["panels"].([]any)
	switch {
	case resource:
		return nil, errors.New("its JSON is a resource of Grafana's new kind: export the classic model instead")
	case wrapped:
		return nil, errors.New("its JSON is an answer of Grafana's API: take what stands in it under dashboard")
	case !has:
		return nil, errors.New("its JSON has no panels: it is not what Grafana calls a dashboard's JSON model")
	}
	delete(model, "id") // of another Grafana's database
	delete(model, "version")
	if model["refresh"] == false {
		delete(model, "refresh") // how older Grafanas write that there is none
	}
	model["title"], model["uid"] = d.Title, d.UID()
	if err := ownSources(model); err != nil {
		return nil, err
	}
	replaceSource(model, "", DataSourceUID)
	if err := checkPanels("panels", panels); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(model, "", "  ")
	if err != nil {
		return nil, err
	}
	// The types that Grafana generates from its schema. Fields that they do not know are newer or older
	// than they, which Grafana sorts out; a known one of another type is a mistake.
	var board grafana.Dashboard
	if err := json.Unmarshal(text, &board); err != nil {
		return nil, fmt.Errorf("its JSON does not keep to Grafana's schema: %w", err)
	}
	return append(text, '\n'), nil
}

// readModel reads a file of JSON, whose editor may have put a byte order mark before it.
func readModel(text []byte) (map[string]any, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return nil, errors.New("its JSON is in UTF-16: save it in UTF-8")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("its JSON is empty: export the dashboard's JSON model once more")
	}
	var whole json.RawMessage // and nothing behind it
	err := json.Unmarshal(text, &whole)
	var model map[string]any
	if err == nil {
		model, err = decode(text)
	}
	if err == nil && model == nil {
		err = errors.New("it is null")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("its JSON, %s: %w", lineOf(text, syntax.Offset), err)
	}
	if err != nil {
		return nil, fmt.Errorf("its JSON: %w", err)
	}
	return model, nil
}

// lineOf is where so many bytes of a text end.
func lineOf(text []byte, offset int64) string {
	before := text[:min(max(offset-1, 0), int64(len(text)))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(line)+1)
}
