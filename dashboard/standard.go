package dashboard

// Standard are the panels that every application has: figures to glance at, then traffic,
// execution environments, load, the runtime and the publisher. They rest on the line protocol's
// contract (package metrics writes it) and ask for no series per execution environment but
// where that is the point.
func Standard() []Panel {
	var panels []Panel
	for _, group := range [][]Panel{figures(), traffic(), environments(), load(), runtime(), publisher()} {
		panels = append(panels, group...)
	}
	return panels
}

// AliveWindow is how long an execution environment is taken to be alive after it has published. A panel that reads points
// over long ranges, because its store has no rollups, has intervals of that at least in its place.
const AliveWindow = "10s"

const (
	filter  = ` WHERE $timeFilter`
	group   = ` GROUP BY time($__interval)`
	zero    = group + ` fill(0)`
	null    = group + ` fill(null)`
	invoked = ` FROM "invocation"` + filter

	// The inner statement leaves one row per interval and environment at work in it. The outer
	// time range is not repetition: without it the intervals go on until now.
	atWork = `SELECT count("n") FROM (SELECT count("duration_ms") AS "n"` + invoked + group +
		`, "instance" fill(none))` + filter + zero
	failed = `SELECT count("duration_ms") FROM "invocation"` + filter + ` AND "ok" = false` + group

	// The same from the rollups, whose rows are of a function and version each.
	rolled       = ` FROM "$rollup"."invocation"` + filter
	rolledAtWork = `SELECT max("n") FROM (SELECT sum("environments") AS "n"` + rolled + ` GROUP BY time($window) fill(none))` + filter + zero

	// An environment publishes after each invocation and, while one runs, more often than this.
	heard       = ` GROUP BY time(` + AliveWindow + `)`
	alive       = `SELECT count("n") FROM (SELECT count("seq") AS "n" FROM "publisher"` + filter + heard + `, "instance" fill(none))` + filter + heard + ` fill(0)`
	rolledAlive = `SELECT max("n") FROM (SELECT sum("environments") AS "n" FROM "$rollup"."publisher"` + filter + ` GROUP BY time($window) fill(none))` + filter + zero
)

func figures() []Panel {
	return []Panel{
		{Title: "Invocations", Kind: Stat, Unit: "short", Reduce: Sum, Description: "In the time range.",
			Queries: []Query{{InfluxQL: `SELECT count("duration_ms")` + invoked + zero, Rollup: `SELECT sum("count")` + rolled + zero, Alias: "invocations", Color: "blue"}}},
		{Title: "Errors", Kind: Stat, Unit: "short", Reduce: Sum, Alarm: true, Description: "Invocations that failed, timed-out ones too, in the time range.",
			Queries: []Query{{InfluxQL: failed + ` fill(0)`, Rollup: `SELECT sum("errors")` + rolled + zero, Alias: "errors"}}},
		{Title: "p99 duration", Kind: Stat, Unit: "ms", Description: "99 of 100 invocations took no longer, in the last interval that had any. Over more than 15 minutes: in any function's and version's 10 seconds or minute of it.",
			Queries: []Query{{InfluxQL: `SELECT percentile("duration_ms", 99)` + invoked + null, Rollup: `SELECT max("p99")` + rolled + null, Alias: "p99", Color: "purple"}}},
		{Title: "Environments", Kind: Stat, Unit: "short", Reduce: Max, Description: "The most execution environments that were at work in any interval of the time range.",
			Queries: []Query{{InfluxQL: atWork, Rollup: rolledAtWork, Alias: "environments", Color: "green"}}},
		{Title: "Cold starts", Kind: Stat, Unit: "short", Reduce: Sum, Description: "Invocations that had to wait for a new execution environment, in the time range.",
			Queries: []Query{{InfluxQL: `SELECT count("init_ms")` + invoked + zero, Rollup: `SELECT sum("cold")` + rolled + zero, Alias: "cold starts", Color: "orange"}}},
		{Title: "Points dropped", Kind: Stat, Unit: "short", Reduce: Max, Alarm: true, Description: "The most measurements that any one execution environment gave up for lost since it started.",
			Queries: []Query{{InfluxQL: `SELECT max("dropped") FROM "publisher"` + filter + null, Rollup: `SELECT max("dropped") FROM "$rollup"."publisher"` + filter + null, Alias: "dropped"}}},
	}
}

func traffic() []Panel {
	return []Panel{
		{Title: "Invocations a second", Unit: "reqps", Description: "By function.", Stack: true,
			Queries: []Query{{
				InfluxQL: `SELECT count("duration_ms") * 1000 / $__interval_ms` + invoked + group + `, "function" fill(0)`,
				Rollup:   `SELECT sum("count") * 1000 / $__interval_ms` + rolled + group + `, "function" fill(0)`,
				Alias:    "$tag_function"}}},
		{Title: "Duration", Unit: "ms", Description: "Exact percentiles over all invocations of each interval. Over more than 15 minutes: of each function's 10 seconds or minute, the highest in the interval.",
			Queries: []Query{
				{InfluxQL: `SELECT percentile("duration_ms", 50)` + invoked + null, Rollup: `SELECT max("p50")` + rolled + null, Alias: "p50", Color: "blue"},
				{InfluxQL: `SELECT percentile("duration_ms", 90)` + invoked + null, Rollup: `SELECT max("p90")` + rolled + null, Alias: "p90", Color: "orange"},
				{InfluxQL: `SELECT percentile("duration_ms", 99)` + invoked + null, Rollup: `SELECT max("p99")` + rolled + null, Alias: "p99", Color: "purple"}}},
		heat(),
		{Title: "Errors by function", Kind: Bars, Unit: "short", Stack: true, Description: "Invocations that failed, timed-out ones too.",
			Queries: []Query{{InfluxQL: failed + `, "function" fill(none)`, Rollup: `SELECT sum("errors")` + rolled + group + `, "function" fill(none)`, Alias: "$tag_function", Color: "red"}}},
	}
}

func heat() Panel {
	p := Panel{Title: "Durations", Kind: Heat, Unit: "ms", Description: "How many invocations took how long: each row is those up to its bound and above the one below. Grafana leaves a row out that has none in the whole range."}
	for _, d := range Durations() {
		p.Queries = append(p.Queries, Query{
			InfluxQL: `SELECT count("duration_ms")` + invoked + ` AND ` + d.Condition + zero,
			Rollup:   `SELECT sum("` + d.Field + `") FROM "$minutes"."invocation"` + filter + zero,
			Alias:    d.Label})
	}
	return p
}

func environments() []Panel {
	return []Panel{
		{Title: "Execution environments alive", Unit: "short", Description: "Environments that published within 10 seconds, as each does after an invocation (or as many as FlushEvery says) and every 8 seconds while one runs. Those that are idle are frozen, and nobody can tell whether they still are; the last 10 seconds are not over. Over more than 15 minutes: within 10 seconds or a minute, the most in the interval.",
			Queries: []Query{{InfluxQL: alive, Rollup: rolledAlive, Alias: "environments", Color: "green"}}},
		{Title: "Execution environments at work", Unit: "short", Description: "Environments that ended at least one invocation in the interval. Over more than 15 minutes: in the busiest 10 seconds or minute of it.",
			Queries: []Query{{InfluxQL: atWork, Rollup: rolledAtWork, Alias: "environments", Color: "green"}}},
		{Title: "Cold starts by function", Kind: Bars, Unit: "short", Stack: true, Description: "Invocations that had to wait for a new execution environment.",
			Queries: []Query{{InfluxQL: `SELECT count("init_ms")` + invoked + group + `, "function" fill(none)`, Rollup: `SELECT sum("cold")` + rolled + group + `, "function" fill(none)`, Alias: "$tag_function"}}},
		{Title: "Init time", Unit: "ms", Description: "How long new execution environments took to start. Over more than 15 minutes: the highest of each function's and version's 10 seconds or minute.",
			Queries: []Query{
				{InfluxQL: `SELECT percentile("init_ms", 50)` + invoked + null, Rollup: `SELECT max("init_p50")` + rolled + null, Alias: "p50", Color: "blue"},
				{InfluxQL: `SELECT max("init_ms")` + invoked + null, Rollup: `SELECT max("init_max")` + rolled + null, Alias: "longest", Color: "orange"}}},
	}
}
