package command

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// freshness measures how long it takes from an invocation's end until a reader of the store
// sees it: it polls /query as a dashboard would and notes when each point first shows up.
//
//	end of the invocation = the point's timestamp
//	│                    first answer that holds it
//	├────── freshness ──────┤
//	·────·────·────·────·───·────·   polls
//
// What a poll adds is within the figure: up to one interval and the query's own time.
type freshness struct {
	store *store
	since time.Time // points before it are not of this run

	seen  map[point]struct{}
	ms    *hdrhistogram.Histogram // in microseconds
	polls int
}

// point is what tells two invocations apart.
type point struct {
	instance string
	time     int64
}

const (
	pollEvery = 100 * time.Millisecond
	// Each poll looks back a little, every tenth further, and finish at everything: what arrives
	// late is found late, but found, and the reader does not ask for the same points all day.
	lookBack, lookFurther = time.Second, 10 * time.Second
)

func newFreshness(s *store, since time.Time) *freshness {
	return &freshness{store: s, since: since, seen: map[point]struct{}{},
		ms: hdrhistogram.New(1, int64(time.Hour/time.Microsecond), 3)}
}

// run polls until ctx ends.
func (f *freshness) run(ctx context.Context) {
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		back := lookBack
		if f.polls++; f.polls%10 == 0 {
			back = lookFurther
		}
		// A poll that fails is made up for by the next one, at the latest by finish.
		_ = f.poll(ctx, time.Now().Add(-back))
	}
}

// finish notes every point of the run that was not seen before. It must not run beside run.
func (f *freshness) finish(ctx context.Context) error { return f.poll(ctx, f.since) }

// poll notes every point of the run since from that was not seen before.
func (f *freshness) poll(ctx context.Context, from time.Time) error {
	if from.Before(f.since) {
		from = f.since // what an earlier run left is none of this one's
	}
	all, err := f.store.query(ctx, fmt.Sprintf(`SELECT "duration_ms" FROM "invocation" WHERE time >= %d GROUP BY "instance"`, from.UnixNano()))
	if err != nil {
		return err
	}
	now := time.Now()
	for _, s := range all {
		for _, v := range s.Values {
			p := point{instance: s.Tags["instance"]}
			if err := json.Unmarshal(v[0], &p.time); err != nil {
				return fmt.Errorf("asking the store: a time that is none: %s", v[0])
			}
			if _, ok := f.seen[p]; ok {
				continue
			}
			f.seen[p] = struct{}{}
			if err := f.ms.RecordValue(max(1, (now.UnixNano()-p.time)/int64(time.Microsecond))); err != nil {
				return fmt.Errorf("an invocation ended %v ago", now.Sub(time.Unix(0, p.time)))
			}
		}
	}
	return nil
}

// quantile is in milliseconds.
func (f *freshness) quantile(q float64) float64 {
	return float64(f.ms.ValueAtQuantile(q)) / 1000
}
