package metrics

import (
	"testing"
	"testing/synctest"
	"time"
)

// An event is looked at in the moment in which the response is out, however long that takes and however long nothing
// has come before; one without a handler when it has lain for a while.
func TestAwaitLeft(t *testing.T) {
	t.Parallel()
	// f has the event come at a time, and a handler begin and be out, never for negative ones, and wants it to be looked
	// at then.
	f := func(what string, event, begin, out, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.hold.listening = true
			start := time.Now()
			at := func(after time.Duration, do func()) {
				if after >= 0 {
					time.AfterFunc(after, func() {
						h.mu.Lock()
						defer h.mu.Unlock()
						do()
					})
				}
			}
			at(begin, func() { h.hold.begin() })
			at(out, func() { h.hold.out(false) })
			h.awaitLeft(func() bool { return event < 0 || time.Since(start) < event })
			if got := time.Since(start); got != want {
				t.Errorf("%s: looked at after %v, want %v", what, got, want)
			}
			h.hold.listening = false
		})
	}
	const ms = time.Millisecond
	f("at once", 0, 0, 0, 0)
	f("a quick handler", 1*ms, 1*ms, 2*ms, 2*ms)
	f("a handler that takes its time", 1*ms, 1*ms, 5*time.Second, 5*time.Second)
	f("after a pause", 150*ms, 150*ms, 151*ms, 151*ms)
	f("after a long pause", time.Hour, time.Hour, time.Hour+ms, time.Hour+ms)
	f("the timer fires when the event comes", 100*ms, 101*ms, 102*ms, 102*ms)
	f("the handler comes late", 100*ms, 199*ms, 260*ms, 260*ms)
	f("no handler", 0, -1, -1, 2*eventDelay)
	f("no handler after a pause", 150*ms, -1, -1, 300*ms+eventDelay)
	f("no handler after a long pause", 24*time.Hour, -1, -1, 24*time.Hour+500*ms+eventDelay) // looks are at 0.1, 0.3, 0.7, 1.5, 2.5 s …
}

// What was out before the extension asked is looked at at once, and so is all where no handler says when it is out.
func TestAwaitLeftHasNothingToWaitFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		start := time.Now()
		h.hold.left = true
		h.awaitLeft(func() bool { return true })
		h.hold.left, h.wrapped = false, false
		h.awaitLeft(func() bool { return true })
		if got := time.Since(start); got != 0 {
			t.Errorf("it took %v", got)
		}
		h.wrapped = true
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.awaitLeft(func() bool { return true }) // which Close ends, or synctest finds it
		}()
		synctest.Wait()
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		<-ended
	})
}
