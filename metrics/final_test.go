package metrics

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What the store refuses of the final batch is told by one more, of the publisher's point alone, and by
// Close's error; once, even if that is refused too.
func TestWhatIsRefusedAtTheEndIsTold(t *testing.T) {
	t.Parallel()
	const partial = `{"error":"partial write: field type conflict: … dropped=1"}`
	f := func(answer func(n int) (int, string), dropped []string, lost string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.invoke(time.Minute)
			h.counter.Inc()
			h.store.answer = func(_ context.Context, n int) (int, string, error) {
				code, body := answer(n - 1)
				return code, body, nil
			}
			err := h.Close(t.Context())
			if lost == "" && err != nil || lost != "" && (err == nil || !strings.Contains(err.Error(), lost)) {
				t.Errorf("Close: %v, want %q", err, lost)
			}
			var got []string
			for i, body := range h.store.sent()[1:] {
				got = append(got, field(body, "publisher", "dropped"))
				if field(body, "publisher", "final") != "true" || field(body, "publisher", "seq") != fmt.Sprintf("%di", i+2) {
					t.Errorf("batch %d: %s", i, body)
				}
				if i > 0 && strings.Count(body, "\n") != 1 {
					t.Errorf("more than the publisher's point: %s", body)
				}
			}
			if strings.Join(got, ",") != strings.Join(dropped, ",") {
				t.Errorf("dropped is %q, want %q", got, dropped)
			}
			checkStamps(t, h.store.sent())
		})
	}
	f(func(int) (int, string) { return http.StatusNoContent, "" }, []string{"0i"}, "")
	f(func(n int) (int, string) {
		if n == 0 {
			return http.StatusBadRequest, partial
		}
		return http.StatusNoContent, ""
	}, []string{"0i", "1i"}, "1 points of metrics are lost: the store refused them: 400: partial write")
	f(func(int) (int, string) { return http.StatusBadRequest, partial }, []string{"0i", "1i"}, "2 points of metrics are lost")
}

// At the end the store is asked again until the time is up: nobody will do so later.
func TestTheEndInsists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.counter.Inc()
		began := time.Now()
		h.store.answer = func(context.Context, int) (int, string, error) {
			if time.Since(began) < terminationTimeout/2 {
				return http.StatusServiceUnavailable, "", nil
			}
			return http.StatusNoContent, "", nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), terminationTimeout)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		if sent := h.store.sent(); len(sent) < 3 || field(sent[len(sent)-1], "hits", "count") != "1i" {
			t.Errorf("sent %q", sent)
		}
	})
}

// A point that cannot be written is counted, named, and takes no other with it.
func TestWhatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		broken, err := h.set.Histogram("size_kb")
		if err != nil {
			t.Fatal(err)
		}
		broken.Observe(1)
		broken.max.Store(^math.Float64bits(math.Inf(1))) // which Observe never does
		h.invoke(time.Minute)
		if len(h.logged) != 1 || !strings.Contains(h.logged[0], "1 points are lost so far: size_kb: the line protocol cannot hold them: ") {
			t.Errorf("logged %q", h.logged)
		}
		sent := h.store.sent()
		if len(sent) != 1 || field(sent[0], "hits", "count") != "1i" || strings.Contains(sent[0], "size_kb") {
			t.Errorf("sent %q", sent)
		}
	})
}

// Something before the store that answers every request with a page has not stored anything.
func TestAPageIsNoAcknowledgement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.store.answer = func(context.Context, int) (int, string, error) {
			return http.StatusOK, "<!DOCTYPE html><title>Log in</title>", nil
		}
		h.invoke(time.Minute)
		if len(h.queue.batches) != 1 || h.stats.points != 0 {
			t.Errorf("%d batches wait, %d points are taken for stored", len(h.queue.batches), h.stats.points)
		}
		if len(h.logged) != 1 || !strings.Contains(h.logged[0], "Log in") || !strings.Contains(h.logged[0], "a store answers 204: EPHOR_STORE_URL") {
			t.Errorf("logged %q", h.logged)
		}
		h.store.answer = nil
		time.Sleep(time.Second)
		h.invoke(time.Minute)
		if sent := h.store.sent(); len(sent) != 3 || sent[0] != sent[1] {
			t.Errorf("sent %q", sent)
		}
	})
}
