package monitor

import (
	"encoding/json"
	"fmt"

	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// checkPanels refuses what is no panel, or none that keeps to Grafana's schema, with its place: in a list, and in the rows of it
// that are collapsed, which hold their panels. The types that Grafana generates look at no panel without a type.
//
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
func checkPanels(list string, panels []any) error {
	for i, p := range panels {
		place := placed(list, i, p)
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		panel, is := p.(map[string]any)
		if !is {
			return fmt.Errorf("its JSON, %s: it is %s, and a panel is an object", place, text)
		}
		kind, _ := panel["type"].(string)
		// What stands for a panel of Grafana's library has that one's type.
		if _, library := panel["libraryPanel"].(map[string]any); kind == "" && (panel["type"] != nil || !library) {
			return fmt.Errorf("its JSON, %s: it has no type, such as timeseries", place)
		}
		inner, _ := panel["panels"].([]any)
		if err := checkPanels(place+".panels", inner); err != nil {
			return err
		}
		var model any = new(grafana.Panel)
		if kind == "row" {
			model = new(grafana.RowPanel)
		}
		if err := json.Unmarshal(text, model); err != nil {
			return fmt.Errorf("its JSON does not keep to Grafana's schema: %s: %w", place, err)
		}
	}
	return nil
}
