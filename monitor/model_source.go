package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ownSources makes every data source that a model names one by type and UID, in every form that Grafana has had for that,
// and refuses what names one of another Grafana's, which nobody here could find.
//
// Before version 8.3 it was the source's name alone: https://github.com/grafana/grafana/pull/33817
func ownSources(model map[string]any) error {
	s := sources{inputs: plugins(model["__inputs"], "pluginId")}
	templating, _ := model["templating"].(map[string]any)
	s.variables = plugins(templating["list"], "query")
	return s.walk("", model)
}

// sources are what a data source may be named by: what whoever imports the dashboard is asked for, and the dashboard's
// own variables, each with the plugin.
type sources struct{ inputs, variables map[string]string }

// plugins are those of the items of a list that stand for a data source, by their names.
func plugins(list any, key string) map[string]string {
	found := map[string]string{}
	items, _ := list.([]any)
	for _, item := range items {
		of, _ := item.(map[string]any)
		name, _ := of["name"].(string)
		if plugin, ok := of[key].(string); ok && of["type"] == "datasource" {
			found[name] = plugin
		}
	}
	return found
}

func (s sources) walk(place string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(place+"."+key, ".")
			if key == "datasource" {
				ref, err := s.named(v[key])
				if err != nil {
					return fmt.Errorf("its JSON, %s: %w", at, err)
				}
				v[key] = ref
				continue
			}
			if err := s.walk(at, v[key]); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if err := s.walk(placed(place, i, item), item); err != nil {
				return err
			}
		}
	}
	return nil
}

// placed is the place of a list's item, with the title that people know it by.
func placed(list string, i int, item any) string {
	of, _ := item.(map[string]any)
	for _, key := range []string{"title", "name"} {
		if title, ok := of[key].(string); ok && title != "" {
			return fmt.Sprintf("%s[%d] %q", list, i, title)
		}
	}
	return fmt.Sprintf("%s[%d]", list, i)
}

// named is a data source by its type and UID. Where there is none, it is the Grafana's default.
func (s sources) named(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if ref, known := s.known(v); known {
			return ref, nil
		}
		return nil, fmt.Errorf("the data source %q is named as before Grafana 8.3: export it from a newer one, or write %s", v, wantSource)
	case map[string]any:
		plugin, _ := v["type"].(string)
		uid, _ := v["uid"].(string)
		_, input := s.inputs[variableIn(uid)]
		switch {
		case plugin == "influxdb":
			return ownRef(), nil
		case input && s.inputs[variableIn(uid)] != "influxdb":
			return nil, fmt.Errorf("the data source %s is whatever whoever imports the dashboard says, and nobody is asked here: write its UID there", uid)
		case plugin != "" || uid == "":
			return v, nil
		}
		if ref, known := s.known(uid); known {
			return ref, nil
		}
		return nil, fmt.Errorf("the data source of the UID %q has no type: write %s, or the type of another there", uid, wantSource)
	}
	return nil, fmt.Errorf("that is no data source: write %s", wantSource)
}

const wantSource = `{"type": "influxdb", "uid": "` + DataSourceUID + `"} if it is the store of metrics`

// known is what is a data source by this name or UID in every Grafana, or by the model itself.
func (s sources) known(name string) (ref map[string]any, ok bool) {
	switch name {
	case "", "default": // the Grafana's
		return nil, true
	case DataSourceUID:
		return ownRef(), true
	case "-- Mixed --", "-- Dashboard --":
		return map[string]any{"type": "datasource", "uid": name}, true
	case "-- Grafana --", "grafana":
		return map[string]any{"type": "grafana", "uid": "-- Grafana --"}, true
	}
	variable := variableIn(name)
	if s.inputs[variable] == "influxdb" || s.variables[variable] == "influxdb" {
		return ownRef(), true
	}
	if plugin, ok := s.variables[variable]; ok {
		return map[string]any{"type": plugin, "uid": name}, true
	}
	return nil, false
}

func ownRef() map[string]any { return map[string]any{"type": "influxdb", "uid": DataSourceUID} }

// variableIn is the name of the variable that a text is, as in ${DS_INFLUXDB}; "" if it is none.
func variableIn(text string) string {
	name, ok := strings.CutPrefix(text, "$")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(name, "{"), "}")
}
