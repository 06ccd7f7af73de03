package metrics

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What aws-lambda-go says of an invocation past its deadline is refused, and the process ends at once. So before it says
// anything the invocation is in the store, or SIGTERM, where it will come, is given the time to.
func TestNothingIsSaidOfAnOverdueInvocationBeforeItIsPublished(t *testing.T) {
	t.Parallel()
	f := func(name string, terminated bool, late time.Duration, fail error, held time.Duration, writes int, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.hold.listening = terminated
			handler := h.Wrap(func(ctx context.Context) error {
				h.counter.Inc()
				time.Sleep(time.Second + late)
				return fail
			}).(func(context.Context) (*response, error))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			resp, err := handler(ctx)
			if !errors.Is(err, fail) {
				t.Errorf("%s: it returns %v", name, err)
			}
			if err == nil {
				if _, err := io.Copy(io.Discard, resp); err != nil {
					t.Error(err)
				}
				if err := resp.Close(); err != nil {
					t.Error(err)
				}
			}
			if got := time.Since(began) - time.Second - late; got != held {
				t.Errorf("%s: held for %v, want %v", name, got, held)
			}
			sent := h.store.sent()
			if len(sent) != writes {
				t.Fatalf("%s: %d writes, want %d", name, len(sent), writes)
			}
			if writes > 0 && (!strings.Contains(sent[0], want) || field(sent[0], "hits", "count") != "1i") {
				t.Errorf("%s: sent %s", name, sent[0])
			}
		})
	}
	f("the context's error", false, 0, context.DeadlineExceeded, 0, 1, `error="context deadline exceeded"`)
	f("an error later", false, 30*time.Millisecond, errors.New("late"), 0, 1, `error="late"`)
	f("an answer later", false, 30*time.Millisecond, nil, 0, 1, `error="Sandbox.Timedout"`)
	f("an error in time", false, -200*time.Millisecond, errors.New("early"), 0, 0, "")
	f("the context's error, before SIGTERM", true, 0, context.DeadlineExceeded, overdueTimeout, 0, "")
	f("an answer later, before SIGTERM", true, 30*time.Millisecond, nil, overdueTimeout, 0, "")
	f("an error in time, no SIGTERM", true, -200*time.Millisecond, errors.New("early"), 0, 0, "")
}
