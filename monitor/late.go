package monitor

import (
	"fmt"
	"time"
)

// Late is how late a point may come and still be in the rollups, where the store has been up since it was measured. A
// publisher keeps what the store has not acknowledged for as long as its execution environment lives, or its memory
// lasts, and sends it with the times at which it was measured. Lambda ends environments after some hours:
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const Late = 6 * time.Hour

// The periods of the queries that look for it: that of the first, and by how much each is longer than the one before. They look
// back by their period and lateBack, of which the minute is for the store, which begins with a whole window.
const (
	lateEvery = time.Hour
	lateStep  = 30 * time.Second
	lateBack  = Late + time.Minute
)

// ContinuousQuery is one of the store's, by its name, and the statement that makes it.
type ContinuousQuery struct{ Name, Create string }

// ContinuousQueries are one for each rollup, which runs often and looks back a little, and one for each of its fields that runs
// about once an hour and looks back far enough for what came late. What that finds as it was it writes as it was.
//
// The store holds something in memory for every series and field that a query reads, hence one field at a time. It runs
// the queries that are due one after the other, and what is due again in the meantime waits. So those
// of the second kind are not due together: each has a period of its own. What waits loses nothing, because a run begins where
// the one before has ended, less how far back it looks.
//
// https://docs.influxdata.com/influxdb/v1/query_language/continuous_queries/#advanced-syntax
func ContinuousQueries() []ContinuousQuery {
	rollups := Rollups()
	var all []ContinuousQuery
	for _, r := range rollups {
		all = append(all, r.continuous(r.Name, r.tier.every, r.tier.back))
	}
	every := lateEvery
	for _, r := range rollups {
		for _, f := range r.Fields() {
			all = append(all, f.continuous(f.Name+"_late", seconds(every), seconds(lateBack+every)))
			every += lateStep
		}
	}
	return all
}

// Fields are rollups of one field each, which together write what r does. They cost less memory, and more time.
func (r Rollup) Fields() []Rollup {
	if len(r.columns) == 1 {
		return []Rollup{r}
	}
	var all []Rollup
	for _, c := range r.columns {
		f := r
		f.Name, f.columns = r.Name+"_"+c.as, []column{c}
		all = append(all, f)
	}
	return all
}

func (r Rollup) continuous(name, every, back string) ContinuousQuery {
	return ContinuousQuery{name, fmt.Sprintf(`CREATE CONTINUOUS QUERY "%s" ON "%s" RESAMPLE EVERY %s FOR %s BEGIN %s END`,
		name, Database, every, back, r.statement(r.only))}
}

// seconds is a duration as InfluxQL has it.
func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }
