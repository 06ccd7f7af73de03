package metrics

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReplaysTheSameBytesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.store.answer = status(http.StatusServiceUnavailable)
		h.invoke(time.Minute) // the first batch fails
		h.invoke(time.Minute) // within a second of it: nothing is cut, nothing sent
		h.invoke(time.Minute)
		if n := len(h.store.sent()); n != 1 {
			t.Fatalf("%d writes while it backs off", n)
		}
		h.store.answer = nil
		time.Sleep(time.Second)
		h.invoke(time.Minute)
		sent := h.store.sent()
		if len(sent) != 3 {
			t.Fatalf("%d writes", len(sent))
		}
		if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
			t.Errorf("the batch changed (-first +again)\n%s", diff)
		}
		for name, want := range map[string]string{"seq": "2i", "retries": "1i", "dropped": "0i", "points": "4i"} {
			if got := field(sent[2], "publisher", name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
		if n := strings.Count(sent[2], "invocation,"); n != 3 {
			t.Errorf("the second batch has %d invocations", n)
		}
		if got := field(sent[2], "hits", "count"); got != "3i" {
			t.Errorf("the second batch counts %s", got)
		}
		h.invoke(time.Minute)
		sent = h.store.sent()
		if got := field(sent[3], "publisher", "points"); got != "9i" {
			t.Errorf("%s points were acknowledged\n%s", got, strings.Join(sent, "\n"))
		}
		checkStamps(t, sent[1:])
		if len(h.logged) != 2 {
			t.Errorf("logged: %q", h.logged)
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.store.answer = status(http.StatusInternalServerError)
		began := time.Now()
		var at []time.Duration
		for n := 0; n < 9; {
			h.invoke(time.Minute)
			if m := len(h.store.sent()); m > n {
				n = m
				at = append(at, time.Since(began))
			}
			time.Sleep(95 * time.Millisecond)
		}
		for i, longest := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
			longest *= time.Second
			gap := at[i+1] - at[i]
			if gap < max(time.Second, longest/2) || gap > longest+100*time.Millisecond {
				t.Errorf("pause %d is %v, want at most %v and at least half of it", i, gap, longest)
			}
		}
	})
}

// A store that answers nothing costs an invocation 300 ms, or less where its deadline is near.
func TestFlushIsBounded(t *testing.T) {
	t.Parallel()
	f := func(timeout, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.store.answer = func(ctx context.Context, _ int) (int, string, error) {
				<-ctx.Done()
				return 0, "", ctx.Err()
			}
			began := time.Now()
			h.invoke(timeout)
			if got := time.Since(began) - 5*time.Millisecond; got != want {
				t.Errorf("with a timeout of %v the flush took %v, want %v", timeout, got, want)
			}
			began = time.Now()
			h.invoke(timeout)
			if got := time.Since(began); got != 5*time.Millisecond {
				t.Errorf("the next invocation took %v", got)
			}
		})
	}
	f(time.Minute, 300*time.Millisecond)
	f(305*time.Millisecond, 200*time.Millisecond)
	f(105*time.Millisecond, 0)
	f(6*time.Millisecond, 0)
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, invocations = 400_000, 6000
		h := newHarness(t, func(c *Config) { c.MemoryLimit = limit })
		h.store.answer = func(context.Context, int) (int, string, error) { return 0, "", errors.New("gone") }
		for range invocations {
			h.invoke(time.Minute)
			if h.queue.bytes > limit {
				t.Fatalf("%d bytes wait", h.queue.bytes)
			}
		}
		if len(h.ended) >= maxRecords {
			t.Errorf("%d invocations wait", len(h.ended))
		}
		h.store.answer = nil
		time.Sleep(time.Minute)
		before := len(h.store.sent())
		h.invoke(time.Minute)
		h.invoke(time.Minute) // which tells of the batches before
		stored := h.store.sent()[before:]
		checkStamps(t, stored)
		if got := field(stored[0], "publisher", "seq"); got == "1i" {
			t.Error("the oldest was kept")
		}
		all := strings.Join(stored, "")
		lost := invocations + 2 - strings.Count(all, "invocation,")
		last := stored[len(stored)-1]
		batches := int(parse(t, strings.TrimSuffix(field(last, "publisher", "seq"), "i")))
		gap := batches - len(stored)
		if lost == 0 || gap == 0 {
			t.Fatalf("nothing is lost: %d batches", batches)
		}
		// A batch also has points of the counter, of the publisher and, some, of the runtime.
		dropped := int(parse(t, strings.TrimSuffix(field(last, "publisher", "dropped"), "i")))
		if dropped < lost+2*gap || dropped > lost+3*gap {
			t.Errorf("dropped is %d, where %d invocations in %d batches are lost", dropped, lost, gap)
		}
	})
}

// While nothing is sent invocations gather, but not without bound.
func TestManyInvocationsBecomeABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, func(c *Config) { c.FlushEvery = 1 << 30 })
		for range 2*maxRecords + 10 {
			h.invoke(time.Minute)
		}
		if n, waiting := len(h.queue.batches), len(h.ended); n != 2 || waiting != 10 {
			t.Errorf("%d batches, and %d invocations beside", n, waiting)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(h.store.sent()); n != 3 {
			t.Errorf("%d writes", n)
		}
	})
}
