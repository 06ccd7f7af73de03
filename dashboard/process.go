package dashboard

// load is what the load generator was asked for beside what came of it. It stays empty while no
// load runs. The percentiles are of one second each and cannot be put together, so of longer
// intervals the worst second is shown.
func load() []Panel {
	rate := func(field, color string) Query {
		from := filter + group + ` fill(none)`
		return Query{
			InfluxQL: `SELECT sum("` + field + `") * 1000 / $__interval_ms FROM "load"` + from,
			Rollup:   `SELECT sum("` + field + `") * 1000 / $__interval_ms FROM "$rollup"."load"` + from,
			Alias:    field, Color: color}
	}
	worst := func(field, alias, color string) Query {
		return Query{
			InfluxQL: `SELECT max("` + field + `") FROM "load"` + filter + group + ` fill(none)`,
			Rollup:   `SELECT max("` + field + `") FROM "$rollup"."load"` + filter + group + ` fill(none)`,
			Alias:    alias, Color: color}
	}
	return []Panel{
		{Title: "Load", Kind: Row},
		{Title: "Requests a second", Unit: "reqps", Description: "Requests a second: asked for by the plan, answered well, failed.",
			Queries: []Query{rate("asked", "orange"), rate("ok", "green"), rate("failed", "red")}},
		{Title: "Time to answer", Unit: "ms", Description: "From the moment that the plan asked for, in the worst second of each interval.",
			Queries: []Query{worst("p50_ms", "p50", "blue"), worst("p99_ms", "p99", "purple")}},
	}
}

func runtime() []Panel {
	byInstance := func(title, unit, field, description string) Panel {
		return Panel{Title: title, Unit: unit, Width: 6, Height: 7, Description: description,
			Queries: []Query{{
				InfluxQL: `SELECT max("` + field + `") FROM "runtime"` + filter + group + `, "instance" fill(none)`,
				Rollup:   `SELECT max("` + field + `") FROM "$rollup"."runtime"` + filter + group + `, "function" fill(none)`,
				Alias:    "$tag_instance"}}}
	}
	return []Panel{
		{Title: "Processes", Kind: Row},
		{Title: "Memory used", Unit: "mbytes", Width: 6, Height: 7, Description: "The largest that any execution environment reported, by function.",
			Queries: []Query{{InfluxQL: `SELECT max("memory_mb")` + invoked + group + `, "function" fill(null)`,
				Rollup: `SELECT max("memory_max")` + rolled + group + `, "function" fill(null)`, Alias: "$tag_function"}}},
		byInstance("Goroutines", "short", "goroutines", "By execution environment; over more than 15 minutes, the highest by function."),
		byInstance("Heap", "bytes", "heap_alloc", "Allocated and not yet freed, by execution environment; over more than 15 minutes, the highest by function."),
		byInstance("GC pause", "ms", "gc_pause_ms", "The longest pause of each interval, by execution environment; over more than 15 minutes, by function."),
	}
}

// publisher shows what the publishers say about their own losses. What they count since they started is
// cumulative per execution environment, so it is neither added up over time nor over environments: the
// worst environment is shown.
func publisher() []Panel {
	worst := func(field, color string) Query {
		return Query{
			InfluxQL: `SELECT max("` + field + `") FROM "publisher"` + filter + group + ` fill(null)`,
			Rollup:   `SELECT max("` + field + `") FROM "$rollup"."publisher"` + filter + group + ` fill(null)`,
			Alias:    field, Color: color}
	}
	each := func(points, field, alias, color string) Query {
		return Query{
			InfluxQL: `SELECT ` + points + zero,
			Rollup:   `SELECT sum("` + field + `") FROM "$rollup"."publisher"` + filter + zero,
			Alias:    alias, Color: color}
	}
	return []Panel{
		{Title: "Publisher", Kind: Row},
		{Title: "Points dropped and batches retried", Unit: "short", Width: 6, Height: 7,
			Description: "The worst execution environment, since it started. What was retried is late, what was dropped is lost.",
			Queries:     []Query{worst("dropped", "red"), worst("retries", "orange")}},
		missing(),
		{Title: "Processes begun and ended", Kind: Bars, Unit: "short", Width: 6, Height: 7,
			Description: "First batches and final ones. A process without a final one works, is frozen, or was killed with what it still held; status tells what the store lacks of it.",
			Queries: []Query{
				each(`count("seq") FROM "publisher"`+filter+` AND "seq" = 1`, "begun", "begun", "green"),
				each(`count("final") FROM "publisher"`+filter, "ended", "ended", "blue")}},
		{Title: "Flushes a second", Unit: "reqps", Width: 6, Height: 7,
			Description: "Batches that reached the store.",
			Queries: []Query{{
				InfluxQL: `SELECT count("seq") * 1000 / $__interval_ms FROM "publisher"` + filter + zero,
				Rollup:   `SELECT sum("flushes") * 1000 / $__interval_ms FROM "$rollup"."publisher"` + filter + zero,
				Alias:    "flushes", Color: "blue"}}},
	}
}

// missing counts the numbers that a process has left out from one of its batches to the next, at the time of the later one.
// A number that goes down, or comes again, is another process in the same environment. Which number came before the first in a
// window no continuous query knows, so there is no such field in the rollups, and nothing is shown where they are read.
func missing() Panel {
	const by = group + `, "function" fill(none)`
	return Panel{Title: "Batches missing", Kind: Bars, Unit: "short", Stack: true, Width: 6, Height: 7,
		Description: "Batches of which a later one is in the store, by function, at the time of that; no data where none is missing. What came before a process's first batch in the range and after its last one is not known here. " +
			"Over more than 15 minutes: nothing, status tells of any period.",
		Queries: []Query{{
			InfluxQL: `SELECT sum("missing") FROM (SELECT non_negative_difference("seq") - 1 AS "missing" FROM "publisher"` + filter + ` GROUP BY "function", "version", "instance")` + filter + ` AND "missing" > 0` + by,
			Rollup:   `SELECT sum("missing") FROM "$rollup"."publisher"` + filter + by,
			Alias:    "$tag_function", Color: "red"}}}
}
