// Package loss tells which invocations a store does not have, whose they were, and why.
//
// Three parties count an invocation. The Lambda service knows how many each execution environment
// served: it writes a report of every one into the environment's log stream, see IsReport. The store has the
// points that the environment's publisher sent. And the publisher numbers its batches and says what it
// gave up. Account puts the three side by side:
//
//	r, err := loss.Account(ctx, ask, loss.Period{From: hourAgo}, served)
//	fmt.Printf("recorded %d of %d invocations\n", r.Recorded, r.Served)
//	for _, l := range r.Losses {
//		fmt.Printf("%s: %s: %s\n", l.Environment.Instance, l.What(), l.Why())
//	}
package loss

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Environment is an execution environment: the tags function and instance of its points, of which
// instance is the name of its log stream.
type Environment struct {
	Function string `json:"function"`
	Instance string `json:"instance"`
}

// Period is a span of time. Its end does not belong to it; a zero one is open.
type Period struct{ From, To time.Time }

// Loss is an environment of which the store has fewer invocations than it served, or whose publisher
// tells of batches or points that the store does not have.
type Loss struct {
	Environment
	Served   int64 `json:"served"`
	Recorded int64 `json:"recorded"`
	// Batches is how many of the publisher's batches are missing between the first and the last
	// that the store has.
	Batches int64 `json:"batches"`
	// Dropped is how many points the publisher says it gave up: refused by the store, or pushed out
	// by newer ones while the store did not answer.
	Dropped int64 `json:"dropped"`
	// Final says that the publisher has sent its last batch.
	Final bool `json:"final"`
	// Silent is when the store last heard of the publisher; zero means never.
	Silent time.Time `json:"silent,omitzero"`
}

// Lost is how many invocations the store does not have. It may be none, where other points are lost.
func (l Loss) Lost() int64 { return l.Served - l.Recorded }

// What says in words what is lost: invocations, or else the points that the publisher gave up, or else
// batches.
func (l Loss) What() string {
	switch {
	case l.Lost() > 0:
		return fmt.Sprintf("%d of %d lost", l.Lost(), l.Served)
	case l.Dropped > 0:
		return fmt.Sprintf("%d points lost", l.Dropped)
	}
	return fmt.Sprintf("%d batches lost", l.Batches)
}

// Why says in words what is known of the reason.
func (l Loss) Why() string {
	var why []string
	if l.Dropped > 0 {
		why = append(why, fmt.Sprintf("its publisher gave up %d points, its log says why", l.Dropped))
	}
	if l.Batches > 0 {
		why = append(why, fmt.Sprintf("%d of its batches are not in the store, though later ones are", l.Batches))
	}
	switch {
	case l.Lost() == 0 && len(why) > 0:
	case l.Silent.IsZero():
		why = append(why, "the store has never heard of it: its first batch is under way, or the environment was killed before, or it cannot reach the store")
	case !l.Final:
		why = append(why, "it has been silent since "+l.Silent.Format(time.TimeOnly)+" without a final batch: its next is under way, or it was killed with what it still held")
	}
	if len(why) == 0 {
		return "its publisher has sent its final batch and misses nothing: these invocations were ended by Lambda before the handler's wrapper saw them"
	}
	return strings.Join(why, "; ")
}

// Report is the account of a period.
type Report struct {
	// Served is what the Lambda service served, Recorded how much of that the store has.
	Served   int64 `json:"served"`
	Recorded int64 `json:"recorded"`
	// Losses are the environments with losses, those with the most lost invocations first, and then those
	// with the most lost points.
	Losses []Loss `json:"losses"`
}

// Account compares what the environments served in a period with what the store has of it.
//
// An invocation belongs to the period in which it ended. One that ends at an edge may be in the
// period for one side and outside it for the other: choose edges at which nothing ran. Points
// that the store has of environments which served does not name are not counted: they are another
// Lambda service's.
func Account(ctx context.Context, ask Ask, period Period, served map[Environment]int64) (Report, error) {
	told, err := publishers(ctx, ask, period)
	if err != nil {
		return Report{}, err
	}
	// After the publishers: what a batch that one of them tells of has brought is counted.
	recorded, err := invocations(ctx, ask, period)
	if err != nil {
		return Report{}, err
	}
	var r Report
	for e, n := range served {
		has := min(recorded[e], n)
		r.Served += n
		r.Recorded += has
		l := Loss{Environment: e, Served: n, Recorded: has}
		if p, ok := told[e]; ok {
			l.Batches, l.Dropped, l.Final, l.Silent = p.missing(), p.dropped, p.final, p.last
		}
		if l.Lost() > 0 || l.Batches > 0 || l.Dropped > 0 {
			r.Losses = append(r.Losses, l)
		}
	}
	slices.SortFunc(r.Losses, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(b.Lost(), a.Lost()), cmp.Compare(b.Dropped, a.Dropped), cmp.Compare(b.Batches, a.Batches),
			cmp.Compare(a.Function, b.Function), cmp.Compare(a.Instance, b.Instance))
	})
	return r, nil
}
