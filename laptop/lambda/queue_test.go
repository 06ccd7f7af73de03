package lambda

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLanesWindow: a throttle halves how many attempts of a function may be under way, once for all that were so,
// and each that is not throttled adds one.
func TestLanesWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{service: &Service{cfg: Config{backOff: time.Second}}, wake: make(chan struct{}, 1), lanes: map[string]*lane{}}
		q.put("f", waitingEvent{file: "waiting", due: time.Now().Add(time.Hour)}) // it keeps the lane
		l := q.lanes["f"]
		done := func(throttled bool) {
			l.underWay++
			q.done("f", waitingEvent{}, verdict{throttled: throttled})
		}
		for i, step := range []struct {
			wait      time.Duration
			throttled bool
			window    int
			paused    time.Duration
		}{
			{0, true, 32, time.Second},
			{0, true, 32, time.Second}, // it was under way with the first
			{time.Second, true, 16, 2 * time.Second},
			{time.Second, false, 17, time.Second},
			{time.Second, true, 8, time.Second}, // the count of those in a row begins anew
			{time.Second, true, 4, 2 * time.Second},
			{2 * time.Second, true, 2, 4 * time.Second},
			{4 * time.Second, true, 1, 8 * time.Second},
			{8 * time.Second, true, 1, 16 * time.Second},
		} {
			time.Sleep(step.wait)
			done(step.throttled)
			if paused := time.Until(l.paused); l.window != step.window || paused != step.paused {
				t.Errorf("step %d: %d at once after %v, want %d after %v", i, l.window, paused, step.window, step.paused)
			}
		}
	})
}
