package metrics

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A panic near the deadline: its point is sent within half of what time is left, where another flush would leave
// all of the last 100 ms to the handler. Past the deadline, too, it is sent where no SIGTERM will come.
func TestPanicNearTheDeadline(t *testing.T) {
	t.Parallel()
	f := func(left time.Duration, answers bool, took time.Duration, writes int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			if !answers {
				h.store.answer = func(ctx context.Context, _ int) (int, string, error) {
					<-ctx.Done()
					return 0, "", ctx.Err()
				}
			}
			handler := h.Wrap(func() {
				h.counter.Inc()
				time.Sleep(time.Second - left)
				panic("no more")
			}).(func(context.Context) (*response, error))
			began := time.Now()
			func() {
				defer func() {
					if v := recover(); v != "no more" {
						t.Errorf("it panics with %v", v)
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := handler(ctx)
				t.Errorf("it returns %v", err)
			}()
			if got := time.Since(began) - (time.Second - left); got != took {
				t.Errorf("%v before the deadline the panic was held up for %v, want %v", left, got, took)
			}
			if n := len(h.store.sent()); n != writes {
				t.Fatalf("%v before the deadline: %d writes, want %d", left, n, writes)
			}
			first := h.store.sent()[0]
			if !strings.Contains(first, `error="panic: no more"`) || field(first, "hits", "count") != "1i" || field(first, "publisher", "final") != "true" && answers {
				t.Errorf("%v before the deadline: sent %s", left, first)
			}
		})
	}
	f(900*time.Millisecond, true, 0, 1)
	f(60*time.Millisecond, true, 0, 1)
	f(2*time.Millisecond, true, 0, 1)
	f(0, true, 0, 1)
	f(-time.Millisecond, true, 0, 1)
	f(60*time.Millisecond, false, 30*time.Millisecond, 1)
	f(150*time.Millisecond, false, 75*time.Millisecond, 1)
}
