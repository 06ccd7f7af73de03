package metrics

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An invocation that takes long tells every 8 seconds what it has counted and that its environment is at work, and all of
// it is in the store once, whether its event is read before the handler begins or not, and where invocations overlap.
func TestALongInvocationPublishesWhileItRuns(t *testing.T) {
	t.Parallel()
	f := func(name string, change func(*Config), counts string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, change)
			var api *extensionsAPI
			if !h.managed {
				api = attach(t, h.Publisher)
				api.requests()
			}
			handler := h.Wrap(func() error {
				h.counter.Inc()
				time.Sleep(33*time.Second + 500*time.Millisecond) // between two ticks
				h.counter.Add(2)
				return nil
			}).(func(context.Context) (*response, error))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if api != nil {
				deadline, _ := ctx.Deadline()
				go func() { api.events <- invokeEvent(deadline) }()
			}
			resp, err := handler(ctx)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := h.store.invocations(); got != 0 {
				t.Errorf("%s: an invocation that runs is told of %d times", name, got)
			}
			if err := resp.Close(); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Second)
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			var counted []string
			var before int64
			for _, b := range h.store.sent() {
				line := b[strings.LastIndex(b, " ")+1:]
				at, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				// A window of 10 s has a batch wherever it begins.
				if before != 0 && time.Duration(at-before) >= 10*time.Second {
					t.Errorf("%s: %v between two batches", name, time.Duration(at-before))
				}
				before = at
				counted = append(counted, strings.TrimSuffix(field(b, "hits", "count"), "i"))
				if field(b, "publisher", "seq") == "" {
					t.Errorf("%s: a batch without its own point: %s", name, b)
				}
			}
			if got := strings.Join(counted, ","); got != counts {
				t.Errorf("%s: batches count %q, want %q", name, got, counts)
			}
			if got := h.store.invocations(); got != 1 {
				t.Errorf("%s: %d invocations, want 1", name, got)
			}
			checkStamps(t, h.store.sent())
		})
	}
	f("with its event", nil, "1,,,,2,")
	f("seldom published", func(c *Config) { c.FlushEvery = 100 }, "1,,,,2")
	f("managed", func(c *Config) { c.Initialization = managedInstances }, "1,,,,,2,")
}

// While the store does not answer, a long invocation's response waits for nobody.
func TestALongInvocationsResponseDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, api := listening(t, nil)
		h.store.answer = hanging
		api.requests()
		deadline := time.Now().Add(25 * time.Second)
		go func() { api.events <- invokeEvent(deadline) }()
		handler := h.Wrap(func() error { time.Sleep(25*time.Second - 50*time.Millisecond); return nil }).(func(context.Context) (*response, error))
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		began := time.Now()
		resp, err := handler(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 25*time.Second-50*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if next := <-api.asked; next != "/event/next" || time.Now().After(deadline) {
			t.Errorf("%s is asked %v after the deadline", next, time.Since(deadline))
		}
	})
}
