package load

import (
	"maps"
	"sync"
	"time"
)

// A tally counts what happens to one target: by the second, and in all.
//
//	workers ──▶ now ──cut──▶ a Second
//	             ▲    │
//	             │    ├─ added to ─▶ total
//	             └────┘ emptied: spare
//
// A cut only swaps two windows, so that nobody who counts waits for percentiles.
type tally struct {
	mu    sync.Mutex
	now   *window
	first string // what the first failure said

	flying, waiting int

	// Of the collector alone.
	spare, total *window
}

// A window is what was counted in some time.
type window struct {
	counts                 Counts
	reasons                map[string]int64
	response, service, lag clocking
}

func newTally() *tally { return &tally{now: newWindow(), spare: newWindow(), total: newWindow()} }

func newWindow() *window {
	return &window{reasons: map[string]int64{}, response: newClocking(), service: newClocking(), lag: newClocking()}
}

func (t *tally) asked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.counts.Asked++
	t.waiting++
}

// turnedAway counts a request that was not even let wait.
func (t *tally) turnedAway() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
	t.fail(&failure{reasonWaiting, "not sent: too many requests are waiting for a connection"})
}

// gaveUp counts a request that waited and was not sent.
func (t *tally) gaveUp(f *failure, response time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
	t.fail(f)
	t.now.response.add(response)
}

func (t *tally) sent(lag time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
	t.flying++
	t.now.counts.Sent++
	t.now.lag.add(lag)
}

// done counts the end of a request that was sent; f is nil if it is ok.
func (t *tally) done(f *failure, response, service time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flying--
	if f == nil {
		t.now.counts.OK++
	} else {
		t.fail(f)
	}
	t.now.response.add(response)
	t.now.service.add(service)
}

func (t *tally) fail(f *failure) {
	t.now.counts.Failed++
	t.now.reasons[f.reason]++
	if t.first == "" {
		t.first = f.detail
	}
}

// cut ends a window and begins the next. What it returns lacks only target and time.
func (t *tally) cut() Second {
	t.mu.Lock()
	w := t.now
	t.now = t.spare
	s := Second{Flying: t.flying, Waiting: t.waiting}
	t.mu.Unlock()

	s.Measures = w.measures()
	t.total.add(w)
	w.reset()
	t.spare = w
	return s
}

func (t *tally) firstFailure() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

func (w *window) add(v *window) {
	w.counts.Asked += v.counts.Asked
	w.counts.Sent += v.counts.Sent
	w.counts.OK += v.counts.OK
	w.counts.Failed += v.counts.Failed
	for reason, n := range v.reasons {
		w.reasons[reason] += n
	}
	w.response.h.Merge(v.response.h)
	w.service.h.Merge(v.service.h)
	w.lag.h.Merge(v.lag.h)
}

func (w *window) reset() {
	w.counts = Counts{}
	clear(w.reasons)
	w.response.h.Reset()
	w.service.h.Reset()
	w.lag.h.Reset()
}

func (w *window) measures() Measures {
	m := Measures{
		Counts: w.counts, Times: w.response.times(), Service: w.service.times(), Lag: w.lag.times(),
	}
	if len(w.reasons) > 0 {
		m.Reasons = maps.Clone(w.reasons)
	}
	return m
}
