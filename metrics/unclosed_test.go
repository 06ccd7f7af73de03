package metrics

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A response that nobody closes is out when its context ends, as far as the publisher can see: at once where the one before was
// not closed either, else at the next look.
func TestAResponseThatIsNotClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, api := listening(t, nil)
		api.requests()
		// f is an invocation whose handler begins late after its event, and which is published so soon after its end.
		f := func(what string, late time.Duration, closed bool, within time.Duration) {
			t.Helper()
			before := len(h.store.sent())
			go func() { api.events <- invokeEvent(time.Now().Add(time.Minute)) }()
			time.Sleep(late)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			resp, err := h.handler(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if closed {
				if err := resp.Close(); err != nil {
					t.Error(err)
				}
			}
			cancel()
			end := time.Now()
			select {
			case next := <-api.asked:
				if next != "/event/next" || time.Since(end) > within {
					t.Errorf("%s: %s is asked %v after the end, want %v at most", what, next, time.Since(end), within)
				}
			case <-time.After(time.Hour):
				t.Fatalf("%s: it is never published", what)
			}
			if n := len(h.store.sent()) - before; n != 1 {
				t.Errorf("%s: %d batches", what, n)
			}
		}
		const late = 3 * eventDelay // the event is read by then
		f("the first", 0, false, 0)
		f("late", late, false, 0)
		f("closed", 0, true, 0)
		f("behind one that was closed", 0, false, eventCheck)
		f("behind one that was not", 0, false, 0)
		f("closed late", late, true, 0)
		f("late behind one that was closed", late, false, eventCheck)
	})
}
