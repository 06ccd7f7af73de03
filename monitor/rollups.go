package monitor

import (
	"fmt"
	"strings"

	"github.com/ephor-io/ephor/dashboard"
)

// Rollup is what continuous queries make: it puts the points of each window together, without the tag
// instance, so that long ranges are read in no time. Each reads the raw points, so a minute's
// percentiles are a minute's own and never put together again.
//
// https://docs.influxdata.com/influxdb/v1/query_language/continuous_queries/
type Rollup struct {
	// Name is that of its first continuous query, and Policy the retention policy that it writes to.
	Name, Policy string

	// SELECT columns INTO Policy.into FROM source [WHERE only] GROUP BY time(window), tags
	columns, into, source, only, tags string
	tier                              tier
}

// tier is a retention policy of rollups: how long each of its points stands for, and how often and how
// far back they are made.
type tier struct{ window, every, back string }

var tiers = []tier{{"10s", "10s", "1m"}, {"1m", "1m", "10m"}}

func (t tier) policy() string { return "rollup_" + t.window }

// Rollups are all that the store keeps. Sources are those of the database's default retention policy,
// which is called raw on the host and autogen on the laptop.
func Rollups() []Rollup {
	const functions = `"function", "version"`
	var all []Rollup
	for _, t := range tiers {
		add := func(name, into, columns, source, only, tags string) {
			all = append(all, Rollup{Name: name + "_" + t.window, Policy: t.policy(),
				columns: columns, into: into, source: source, only: only, tags: tags, tier: t})
		}
		from := func(measurement string) string { return fmt.Sprintf(`"%s"..%s`, Database, measurement) }
		invocation := from(`"invocation"`)
		add("invocation", `"invocation"`, `count("duration_ms") AS "count", sum("duration_ms") AS "sum", min("duration_ms") AS "min", max("duration_ms") AS "max", `+
			`percentile("duration_ms", 50) AS "p50", percentile("duration_ms", 90) AS "p90", percentile("duration_ms", 99) AS "p99", `+
			`count("init_ms") AS "cold", sum("init_ms") AS "init_sum", percentile("init_ms", 50) AS "init_p50", max("init_ms") AS "init_max", max("memory_mb") AS "memory_max"`,
			invocation, "", functions)
		add("errors", `"invocation"`, `count("duration_ms") AS "errors"`, invocation, `"ok" = false`, functions)
		add("environments", `"invocation"`, `count("n") AS "environments"`,
			fmt.Sprintf(`(SELECT count("duration_ms") AS "n" FROM %s GROUP BY time(%s), %s, "instance" fill(none))`, invocation, t.window, functions), "", functions)
		add("instruments", `:MEASUREMENT`, `sum("count") AS "count", sum("sum") AS "sum", min("min") AS "min", max("max") AS "max", `+
			`min("value") AS "value_min", max("value") AS "value_max"`, from(`/.*/`), "", functions)
		add("buckets", `:MEASUREMENT`, `sum(/^b_[0-9]+$/)`, from(`/.*/`), "", functions)
		add("publisher", `"publisher"`, `count("seq") AS "flushes", max("dropped") AS "dropped", max("retries") AS "retries", count("final") AS "ended"`, from(`"publisher"`), "", functions)
		add("begun", `"publisher"`, `count("seq") AS "begun"`, from(`"publisher"`), `"seq" = 1`, functions)
		add("runtime", `"runtime"`, `max("goroutines") AS "goroutines", max("heap_alloc") AS "heap_alloc", max("gc_pause_ms") AS "gc_pause_ms"`, from(`"runtime"`), "", functions)
		add("load", `"load"`, `sum("asked") AS "asked", sum("ok") AS "ok", sum("failed") AS "failed", max("p50_ms") AS "p50_ms", max("p99_ms") AS "p99_ms"`, from(`"load"`), "", `"target"`)
		if t.window != dashboard.DurationsWindow {
			continue
		}
		for _, d := range dashboard.Durations() {
			add("durations_"+d.Field, `"invocation"`, fmt.Sprintf(`count("duration_ms") AS "%s"`, d.Field), invocation, d.Condition, functions)
		}
	}
	return all
}

// Over is the statement that makes the rollup of a time range at once, for points that were there
// before the continuous queries or that no run of them has seen. condition is InfluxQL's of the time.
func (r Rollup) Over(condition string) string {
	if r.only != "" {
		condition += " AND " + r.only
	}
	return r.statement(condition)
}

func (r Rollup) statement(condition string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `SELECT %s INTO "%s"."%s".%s FROM %s`, r.columns, Database, r.Policy, r.into, r.source)
	if condition != "" {
		b.WriteString(" WHERE " + condition)
	}
	fmt.Fprintf(&b, ` GROUP BY time(%s), %s`, r.tier.window, r.tags)
	return b.String()
}
