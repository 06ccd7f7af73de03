package monitor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The prefix of measurements that the host writes of itself, beside its marks and ranges.
const hostPrefix = "ephor_"

// CheckInstrument reports why dashboards could not show an instrument of that name, or would take its points for those that
// the host writes. What package metrics refuses of names, it refuses itself.
func CheckInstrument(name string) error {
	if name == markMeasurement || name == RangesPolicy || strings.HasPrefix(name, hostPrefix) {
		return fmt.Errorf("instrument %q: the monitoring host's own measurements are called %s, %s and %s…: call it otherwise", name, markMeasurement, RangesPolicy, hostPrefix)
	}
	for _, m := range variableName.FindAllStringSubmatch(name, -1) {
		if v := m[1] + m[2] + m[3]; isVariable(v) {
			return fmt.Errorf("instrument %q: Grafana puts the value of its variable %s in place of %s, in titles and statements: leave the sign before it out", name, v, m[0])
		}
	}
	return nil
}

// variableName is how a variable stands in a text.
//
// https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/
var variableName = regexp.MustCompile(`\$(\w+)|\$\{(\w+)[^}]*\}|\[\[(\w+)[^\]]*\]\]`)

// isVariable reports whether there is a variable of that name on a dashboard of ours: its own, Grafana's, and the data source's.
//
// https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables
func isVariable(name string) bool {
	for _, v := range variables {
		if v.tag == name {
			return true
		}
	}
	return slices.Contains(rangeVariables, name) || slices.Contains([]string{"timeFilter", "interval", "interval_ms"}, name) || strings.HasPrefix(name, "__")
}
