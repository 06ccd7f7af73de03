package monitor

import "time"

// The forms of Grafana's file of alert rules, as far as ours have them. A rule is a chain of steps:
// queries, then expressions on what came before, of which the condition is the last.
//
// https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rules/queries-conditions/
type (
	ruleFile struct {
		APIVersion  int         `json:"apiVersion"`
		Groups      []ruleGroup `json:"groups"`
		DeleteRules []goneRule  `json:"deleteRules,omitempty"`
	}
	goneRule struct {
		OrgID int    `json:"orgId"`
		UID   string `json:"uid"`
	}
	ruleGroup struct {
		OrgID    int    `json:"orgId"`
		Name     string `json:"name"`
		Folder   string `json:"folder"`
		Interval string `json:"interval"`
		Rules    []rule `json:"rules"`
	}
	rule struct {
		UID         string            `json:"uid"`
		Title       string            `json:"title"`
		Condition   string            `json:"condition"`
		Data        []step            `json:"data"`
		For         string            `json:"for"`
		NoData      string            `json:"noDataState"`
		Error       string            `json:"execErrState"`
		Annotations map[string]string `json:"annotations"`
	}
	step struct {
		RefID         string         `json:"refId"`
		TimeRange     *timeRange     `json:"relativeTimeRange,omitempty"`
		DataSourceUID string         `json:"datasourceUid"`
		Model         map[string]any `json:"model"`
	}
	timeRange struct { // in seconds before now
		From int `json:"from"`
		To   int `json:"to"`
	}
)

func asks(ref string, back time.Duration, influxql string) step {
	return step{RefID: ref, TimeRange: &timeRange{From: int(back / time.Second)}, DataSourceUID: DataSourceUID, Model: map[string]any{
		"refId": ref, "query": influxql, "rawQuery": true, "resultFormat": "time_series", "intervalMs": 1000, "maxDataPoints": 43200}}
}

// expressionUID is the UID of Grafana's own calculations.
const expressionUID = "__expr__"

func expression(ref, kind, of string, more map[string]any) step {
	model := map[string]any{"refId": ref, "type": kind, "expression": of, "datasource": map[string]any{"type": expressionUID, "uid": expressionUID}}
	for k, v := range more {
		model[k] = v
	}
	return step{RefID: ref, DataSourceUID: expressionUID, Model: model}
}

func reduces(ref, of, reducer string) step {
	return expression(ref, "reduce", of, map[string]any{"reducer": reducer})
}

func computes(ref, formula string) step { return expression(ref, "math", formula, nil) }

func exceeds(ref, of string, limit float64) step { return threshold(ref, of, "gt", limit) }

func falls(ref, of string, below float64) step { return threshold(ref, of, "lt", below) }

func threshold(ref, of, comparison string, limit float64) step {
	return expression(ref, "threshold", of, map[string]any{
		"conditions": []any{map[string]any{"evaluator": map[string]any{"type": comparison, "params": []any{limit}}}}})
}
