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

// ContinuousQuery is one of the store's, by its name, and the statement that makes it.
type ContinuousQuery struct{ Name, Create string }

// ContinuousQueries are two for each rollup: one that runs often and looks back a little, and one that runs about once an
// hour and looks back far enough for what came late. What the second finds as it was it writes as it was.
//
// The store runs those that are due one after the other, and what is due again in the meantime waits. So
// the second ones are not due together: each has a period of its own. What waits loses nothing, because a run begins where
// the one before has ended, less how far back it looks.
//
// https://docs.influxdata.com/influxdb/v1/query_language/continuous_queries/#advanced-syntax
func ContinuousQueries() []ContinuousQuery {
	rollups := Rollups()
	var all []ContinuousQuery
	for _, r := range rollups {
		all = append(all, r.continuous(r.Name, r.tier.every, r.tier.back))
	}
	for i, r := range rollups {
		every := time.Hour + time.Duration(i)*time.Minute
		all = append(all, r.continuous(r.Name+"_late", minutes(every), minutes(Late+every)))
	}
	return all
}

func (r Rollup) continuous(name, every, back string) ContinuousQuery {
	return ContinuousQuery{name, fmt.Sprintf(`CREATE CONTINUOUS QUERY "%s" ON "%s" RESAMPLE EVERY %s FOR %s BEGIN %s END`,
		name, Database, every, back, r.statement(r.only))}
}

// minutes is a duration as InfluxQL has it.
func minutes(d time.Duration) string { return fmt.Sprintf("%dm", int(d.Minutes())) }
