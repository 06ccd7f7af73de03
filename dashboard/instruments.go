package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Shows reports whether the dashboard asks for a measurement, in a panel or in a query of a panel of its JSON. What its
// JSON asks for by a pattern or without quotes it does not know.
func (d Dashboard) Shows(measurement string) bool {
	for _, p := range d.Panels {
		for _, q := range p.Queries {
			if asks(q.InfluxQL, measurement) {
				return true
			}
		}
	}
	var model struct{ Panels any }
	err := json.Unmarshal(bytes.TrimPrefix(d.JSON, []byte("\ufeff")), &model) // of whose errors the rendering tells
	return d.JSON != nil && err == nil && shows(model.Panels, measurement)
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
