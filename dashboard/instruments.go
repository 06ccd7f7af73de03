package dashboard

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Missing are those of the measurements that the dashboard does not ask for, in a panel or in a query of a panel of its
// JSON. What its JSON asks for by a pattern or without quotes counts as missing.
func (d Dashboard) Missing(measurements []string) []string {
	var model struct{ Panels any }
	if len(d.JSON) > 0 && json.Unmarshal(bytes.TrimPrefix(d.JSON, []byte("\ufeff")), &model) != nil {
		model.Panels = nil // of which the rendering tells
	}
	return slices.DeleteFunc(slices.Clone(measurements), func(name string) bool {
		return shows(model.Panels, name) || slices.ContainsFunc(d.Panels, func(p Panel) bool {
			return slices.ContainsFunc(p.Queries, func(q Query) bool { return asks(q.InfluxQL, name) })
		})
	})
}

// shows looks for a query in a part of a dashboard's JSON model: a statement, or what Grafana's editor of queries makes.
func shows(v any, measurement string) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			text, _ := item.(string)
			if key == "query" && asks(text, measurement) || key == "measurement" && text == measurement || shows(item, measurement) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if shows(item, measurement) {
				return true
			}
		}
	}
	return false
}

// asks reports whether a statement reads FROM a measurement, of whatever retention policy.
func asks(influxql, measurement string) bool {
	name := identifier(measurement)
	for before, rest, found := strings.Cut(influxql, name); found; {
		before = strings.ToUpper(strings.TrimRight(before, " \t\r\n"))
		if strings.HasSuffix(before, "FROM") || strings.HasSuffix(before, ".") {
			return true
		}
		before, rest, found = strings.Cut(rest, name)
	}
	return false
}
