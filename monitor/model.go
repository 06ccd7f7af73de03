package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

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
	var model map[string]any
	decoder := json.NewDecoder(bytes.NewReader(d.JSON))
	decoder.UseNumber()
	if err := decoder.Decode(&model); err != nil {
		return nil, fmt.Errorf("its JSON: %w", err)
	}
	_, resource := model["spec"]
	_, wrapped := model["dashboard"]
	switch _, panels := model["panels"].([]any); {
	case resource:
		return nil, errors.New("its JSON is a resource of Grafana's new kind: export the classic model instead")
	case wrapped:
		return nil, errors.New("its JSON is an answer of Grafana's API: take what stands in it under dashboard")
	case !panels:
		return nil, errors.New("its JSON has no panels: it is not what Grafana calls a dashboard's JSON model")
	}
	delete(model, "id") // of another Grafana's database
	delete(model, "version")
	model["title"], model["uid"] = d.Title, d.UID()
	replaceSource(model, "", DataSourceUID)
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
