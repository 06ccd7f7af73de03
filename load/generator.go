package load

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// A generator is one run.
//
//	pace ──▶ queue ──▶ MaxConnections × work ──▶ tallies ──▶ collect ──▶ Events, store
//
// Pace never waits for what comes after it: a full queue turns requests away.
type generator struct {
	Config
	targets []*target
	queue   chan arrival
	telling sync.Mutex // events come one at a time
}

// An arrival is a request whose turn has come.
type arrival struct {
	target *target
	due    time.Time
}

func (g *generator) emit(e Event) {
	g.telling.Lock()
	defer g.telling.Unlock()
	g.Events(e)
}

func (g *generator) run(ctx context.Context, w *writer) Report {
	// Requests under way outlive ctx by Grace.
	flight, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	var workers, others sync.WaitGroup
	for range g.MaxConnections {
		workers.Go(func() { g.work(ctx, flight) })
	}
	landed := make(chan struct{})
	others.Go(func() {
		select {
		case <-landed:
			return
		case <-ctx.Done():
		}
		select {
		case <-landed:
		case <-time.After(g.Grace):
			abort()
		}
	})
	start := time.Now()
	others.Go(func() { g.collect(start, landed, w) })

	finished := g.pace(ctx, start)
	close(g.queue)
	workers.Wait()
	close(landed)
	others.Wait()
	if t, ok := g.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	r := g.report(time.Since(start), !finished)
	r.Points = w.close()
	return r
}

// pace asks for every request when its time has come, and reports whether it got to the plan's end.
func (g *generator) pace(ctx context.Context, start time.Time) (finished bool) {
	n := 0
	for at := range g.Plan.Arrivals() {
		due := start.Add(at)
		if !g.sleepUntil(ctx, due) {
			return false
		}
		t := g.targets[n%len(g.targets)]
		n++
		t.tally.asked()
		select {
		case g.queue <- arrival{t, due}:
		default:
			t.tally.turnedAway()
		}
	}
	// A plan may end with a time of rest.
	return g.sleepUntil(ctx, start.Add(g.Plan.Duration()))
}

// work sends one request after the other, until the queue is closed.
func (g *generator) work(ctx, flight context.Context) {
	for a := range g.queue {
		began := time.Now()
		switch {
		case ctx.Err() != nil:
			a.target.tally.gaveUp(&failure{reasonCancelled, "not sent: the run was interrupted"}, began.Sub(a.due))
		case began.Sub(a.due) >= g.Timeout:
			a.target.tally.gaveUp(&failure{reasonTimeout, "not sent: no connection was free in time"}, began.Sub(a.due))
		default:
			g.send(flight, a, began)
		}
	}
}

func (g *generator) send(flight context.Context, a arrival, began time.Time) {
	ctx, cancel := context.WithDeadline(flight, a.due.Add(g.Timeout))
	defer cancel()
	a.target.tally.sent(began.Sub(a.due))
	f := exchange(ctx, g.transport, a.target)
	end := time.Now()
	a.target.tally.done(f, end.Sub(a.due), end.Sub(began))
}

// collect cuts a second every second, and the last piece when all have landed.
func (g *generator) collect(start time.Time, landed <-chan struct{}, w *writer) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	first := start
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-landed:
			last = true
		}
		end := time.Now()
		for _, t := range g.targets {
			s := t.tally.cut()
			// Later seconds have later times, even if somebody sets the wall clock meanwhile.
			s.Target, s.Start, s.Length = t.name, first.Round(0).Add(start.Sub(first)), end.Sub(start)
			w.write(t.series, s)
			g.emit(s)
		}
		w.flush()
		start = end
	}
}

func (g *generator) report(took time.Duration, interrupted bool) Report {
	all := newWindow()
	r := Report{Seconds: took.Seconds(), Interrupted: interrupted}
	for _, t := range g.targets {
		all.add(t.tally.total)
		if r.FirstFailure == "" {
			r.FirstFailure = t.tally.firstFailure()
		}
		if len(g.targets) > 1 {
			r.Targets = append(r.Targets, TargetReport{Target: t.name, Measures: t.tally.total.measures()})
		}
	}
	r.Measures = all.measures()
	return r
}
