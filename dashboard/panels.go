package dashboard

import "strings"

// Counter shows what a counter of package metrics grew by in each interval, stacked by
// execution environment: containers come and go, and the height of the stack is the whole.
func Counter(name string) Panel {
	return Panel{
		Title:       name,
		Description: "What the counter grew by in each interval, stacked by execution environment; over more than 15 minutes, by function.",
		Kind:        Bars,
		Unit:        "short",
		Stack:       true,
		Queries: []Query{{
			InfluxQL: `SELECT sum("count") FROM ` + identifier(name) + filter + group + `, "instance" fill(none)`,
			Rollup:   `SELECT sum("count") FROM "$rollup".` + identifier(name) + filter + group + `, "function" fill(none)`,
			Alias:    "$tag_instance",
		}},
	}
}

// Gauge shows the last value of a gauge of package metrics in each interval, one line per
// execution environment and what the tags say of it: those that are not named are not told apart. Over more than 15 minutes
// none is.
func Gauge(name string, tags ...string) Panel {
	by, alias := `, "instance"`, "$tag_instance"
	for _, tag := range tags {
		by += ", " + identifier(tag)
		alias += " [[tag_" + tag + "]]"
	}
	return Panel{
		Title:       name,
		Description: "The gauge's last value in each interval, by execution environment; over more than 15 minutes, the highest by function.",
		Unit:        "short",
		Signed:      true,
		Queries: []Query{{
			InfluxQL: `SELECT last("value") FROM ` + identifier(name) + filter + group + by + ` fill(none)`,
			Rollup:   `SELECT max("value_max") FROM "$rollup".` + identifier(name) + filter + group + `, "function" fill(none)`,
			Alias:    alias,
		}},
	}
}

// Histogram shows a histogram of package metrics: the mean, and the smallest and the largest
// value that any execution environment saw in each interval. Its percentiles are written per
// environment and flush, and percentiles cannot be put together again, so none is shown.
func Histogram(name string) Panel {
	both := func(columns, alias string) Query {
		from := identifier(name) + filter + null
		return Query{InfluxQL: `SELECT ` + columns + ` FROM ` + from, Rollup: `SELECT ` + columns + ` FROM "$rollup".` + from, Alias: alias}
	}
	return Panel{
		Title:       name,
		Description: "Mean, smallest and largest value in each interval, over all execution environments.",
		Unit:        "short",
		Signed:      true,
		Queries: []Query{
			both(`max("max")`, "max"), both(`sum("sum") / sum("count")`, "mean"), both(`min("min")`, "min"),
		},
	}
}

// identifier quotes a measurement's name as InfluxQL wants it.
//
// https://docs.influxdata.com/influxdb/v1/query_language/spec/#identifiers
func identifier(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}
