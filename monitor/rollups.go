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
	columns                  []column
	into, source, only, tags string
	tier                     tier
}

// column is what a rollup reads, and the field that it writes, or "" where the store names it.
type column struct{ is, as string }

func (c column) String() string {
	if c.as == "" {
		return c.is
	}
	return c.is + ` AS "` + c.as + `"`
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
		add := func(name, into, source, only, tags string, columns ...column) {
			all = append(all, Rollup{Name: name + "_" + t.window, Policy: t.policy(),
				columns: columns, into: into, source: source, only: only, tags: tags, tier: t})
		}
		from := func(measurement string) string { return fmt.Sprintf(`"%s"..%s`, Database, measurement) }
		invocation := from(`"invocation"`)
		add("invocation", `"invocation"`, invocation, "", functions,
			column{`count("duration_ms")`, "count"}, column{`sum("duration_ms")`, "sum"}, column{`min("duration_ms")`, "min"}, column{`max("duration_ms")`, "max"},
			column{`percentile("duration_ms", 50)`, "p50"}, column{`percentile("duration_ms", 90)`, "p90"}, column{`percentile("duration_ms", 99)`, "p99"},
			column{`count("init_ms")`, "cold"}, column{`sum("init_ms")`, "init_sum"}, column{`percentile("init_ms", 50)`, "init_p50"}, column{`max("init_ms")`, "init_max"},
			column{`max("memory_mb")`, "memory_max"})
		add("errors", `"invocation"`, invocation, `"ok" = false`, functions, column{`count("duration_ms")`, "errors"})
		add("environments", `"invocation"`,
			fmt.Sprintf(`(SELECT count("duration_ms") AS "n" FROM %s GROUP BY time(%s), %s, "instance" fill(none))`, invocation, t.window, functions), "", functions,
			column{`count("n")`, "environments"})
		add("alive", `"publisher"`,
			fmt.Sprintf(`(SELECT count("seq") AS "n" FROM %s GROUP BY time(%s), %s, "instance" fill(none))`, from(`"publisher"`), t.window, functions), "", functions,
			column{`count("n")`, "environments"})
		add("instruments", `:MEASUREMENT`, from(`/.*/`), "", functions,
			column{`sum("count")`, "count"}, column{`sum("sum")`, "sum"}, column{`min("min")`, "min"}, column{`max("max")`, "max"},
			column{`min("value")`, "value_min"}, column{`max("value")`, "value_max"})
		add("buckets", `:MEASUREMENT`, from(`/.*/`), "", functions, column{is: `sum(/^b_[0-9]+$/)`})
		add("publisher", `"publisher"`, from(`"publisher"`), "", functions,
			column{`count("seq")`, "flushes"}, column{`max("dropped")`, "dropped"}, column{`max("retries")`, "retries"}, column{`count("final")`, "ended"})
		add("begun", `"publisher"`, from(`"publisher"`), `"seq" = 1`, functions, column{`count("seq")`, "begun"})
		add("runtime", `"runtime"`, from(`"runtime"`), "", functions,
			column{`max("goroutines")`, "goroutines"}, column{`max("heap_alloc")`, "heap_alloc"}, column{`max("gc_pause_ms")`, "gc_pause_ms"})
		add("load", `"load"`, from(`"load"`), "", `"target"`,
			column{`sum("asked")`, "asked"}, column{`sum("ok")`, "ok"}, column{`sum("failed")`, "failed"}, column{`max("p50_ms")`, "p50_ms"}, column{`max("p99_ms")`, "p99_ms"})
		if t.window != dashboard.DurationsWindow {
			continue
		}
		for _, d := range dashboard.Durations() {
			add("durations_"+d.Field, `"invocation"`, invocation, d.Condition, functions, column{`count("duration_ms")`, d.Field})
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
	var columns []string
	for _, c := range r.columns {
		columns = append(columns, c.String())
	}
	return "SELECT " + strings.Join(columns, ", ") + " " + r.rest(condition)
}

// rest is what stands behind the columns.
func (r Rollup) rest(condition string) string {
	if condition != "" {
		condition = " WHERE " + condition
	}
	return fmt.Sprintf(`INTO "%s"."%s".%s FROM %s%s GROUP BY time(%s), %s`, Database, r.Policy, r.into, r.source, condition, r.tier.window, r.tags)
}
