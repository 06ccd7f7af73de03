package dashboard

import "strconv"

// Duration is one row of the heat map of durations.
type Duration struct {
	// Field is that of the rollups which counts the row's invocations, Label its name on the axis.
	Field, Label string
	// Condition is InfluxQL's of the row's invocations.
	Condition string
}

// DurationsWindow is the window of the rollups that have the rows of the heat map.
const DurationsWindow = "1m"

// Durations are the rows of the heat map, from the shortest to the longest: two a decade.
func Durations() []Duration {
	var rows []Duration
	above := ""
	for _, ms := range []int{1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000} {
		bound := strconv.Itoa(ms)
		rows = append(rows, Duration{Field: "upto_" + bound, Label: bound, Condition: above + `"duration_ms" <= ` + bound})
		above = `"duration_ms" > ` + bound + ` AND `
	}
	return append(rows, Duration{Field: "over_10000", Label: "900000", Condition: `"duration_ms" > 10000`})
}
