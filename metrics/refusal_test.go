package metrics

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a store says of a batch of four points, of which it refuses some, as its documentation has
// it; the batch after tells what became of them.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	f := func(code int, body, dropped, points string, writes int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.store.answer = func(_ context.Context, n int) (int, string, error) {
				if n == 0 {
					return code, body, nil
				}
				return http.StatusNoContent, "", nil
			}
			h.invoke(time.Minute)
			h.invoke(time.Minute)
			sent := h.store.sent()
			if len(sent) != writes+1 {
				t.Fatalf("%d writes: %q", len(sent), sent)
			}
			for name, want := range map[string]string{"seq": "2i", "retries": "0i", "dropped": dropped, "points": points} {
				if got := field(sent[writes], "publisher", name); got != want {
					t.Errorf("%d %s: %s is %s, want %s", code, body, name, got, want)
				}
			}
		})
	}
	// InfluxDB 1.x.
	f(400, `{"error":"partial write: field type conflict: … dropped=1"}`, "1i", "3i", 1)
	f(400, `{"error":"partial write: unable to parse 'x': … dropped=0"}`, "1i", "3i", 1)
	f(400, `{"error":"partial write: points beyond retention policy dropped=2"}`, "2i", "2i", 1)
	// InfluxDB 2: https://docs.influxdata.com/influxdb/v2/api/v2/write/
	f(422, `{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: … dropped=1"}`, "1i", "3i", 1)
	// InfluxDB 3: https://docs.influxdata.com/influxdb3/core/write-data/troubleshoot/
	f(400, `{"error":"partial write of line protocol occurred","data":[{"original_line":"x","line_number":2,"error_message":"invalid column type"},{"original_line":"y","line_number":3,"error_message":"m"}]}`, "2i", "2i", 1)
	// It names 100 at most: then the halves say how many there are.
	f(400, `{"error":"partial write of line protocol occurred","data":[`+strings.Repeat(`{"error_message":"m"},`, 99)+`{"error_message":"m"}]}`, "0i", "4i", 3)
	// Refused as a whole: the halves fare better.
	f(400, `{"error":"unable to parse 'x': missing fields"}`, "0i", "4i", 3)
	f(413, ``, "0i", "4i", 3)
	f(422, `{"code":"unprocessable entity","message":"schema conflict"}`, "0i", "4i", 3)
}

// A store that takes a batch as a whole or not at all, and refuses some points.
func TestPoisonCostsNoOtherPoint(t *testing.T) {
	t.Parallel()
	f := func(points int, poison func(line string) bool, longest, writes int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, func(c *Config) { c.FlushEvery = points })
			var stored []string
			refused := 0
			h.store.answer = func(_ context.Context, n int) (int, string, error) {
				h.store.mu.Lock()
				body := h.store.bodies[n]
				h.store.mu.Unlock()
				if len(body) > longest {
					refused++
					return http.StatusRequestEntityTooLarge, "", nil
				}
				for l := range strings.Lines(body) {
					if poison(l) {
						refused++
						return http.StatusBadRequest, `{"code":"invalid","message":"unable to parse"}`, nil
					}
				}
				stored = append(stored, body)
				return http.StatusNoContent, "", nil
			}
			for range points {
				h.invoke(time.Minute)
			}
			first := strings.Join(stored, "")
			h.store.answer = nil
			if err := h.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			all, sent := map[string]int{}, h.store.sent()
			want, dropped := 0, 0
			for l := range strings.Lines(sent[0]) {
				all[l] = 1
				if !poison(l) && len(l) <= longest {
					want++
				} else {
					delete(all, l)
					dropped++
				}
			}
			for l := range strings.Lines(first) {
				all[l]--
			}
			for l, n := range all {
				if n != 0 {
					t.Errorf("missing by %d: %s", n, l)
				}
			}
			last := sent[len(sent)-1]
			if got := field(last, "publisher", "points"); got != fmt.Sprintf("%di", want) {
				t.Errorf("points is %s, want %d", got, want)
			}
			if got := field(last, "publisher", "dropped"); got != fmt.Sprintf("%di", dropped) {
				t.Errorf("dropped is %s, want %d", got, dropped)
			}
			if refused == 0 || len(sent)-1 > writes {
				t.Errorf("%d writes, %d refused", len(sent)-1, refused)
			}
		})
	}
	counter := func(l string) bool { return strings.HasPrefix(l, "hits,") }
	f(1, counter, 1<<20, 5)
	f(500, counter, 1<<20, 1+2*10)
	f(500, func(l string) bool { return counter(l) || strings.HasPrefix(l, "runtime,") }, 1<<20, 1+4*10)
	f(500, func(string) bool { return false }, 10_000, 20)
	f(2, func(string) bool { return true }, 1<<20, 20)
}

// However much a store refuses, a batch costs no more than so many requests, and what was asked for
// in vain is counted.
func TestSplittingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, func(c *Config) { c.FlushEvery = 900 })
		h.store.answer = status(http.StatusBadRequest)
		for range 900 {
			h.invoke(time.Minute)
		}
		if n := len(h.store.sent()); n != 1+2*maxSplits {
			t.Errorf("%d writes", n)
		}
		if n := len(h.queue.batches); n != 0 || h.queue.bytes != 0 || h.stats.dropped != 903 {
			t.Errorf("%d batches and %d bytes wait, %d points are dropped", n, h.queue.bytes, h.stats.dropped)
		}
	})
}

// What a store may come to accept is kept, sent again as it is, and complained of once.
func TestRejectionsAreRetried(t *testing.T) {
	t.Parallel()
	f := func(code int, body, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.store.answer = func(_ context.Context, n int) (int, string, error) {
				if n < 3 {
					return code, body, nil
				}
				return http.StatusNoContent, "", nil
			}
			for len(h.store.sent()) < 5 {
				h.invoke(time.Minute)
				time.Sleep(time.Second)
			}
			sent := h.store.sent()
			if diff := cmp.Diff([]string{sent[0], sent[0], sent[0]}, sent[1:4]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := field(sent[4], "publisher", "dropped"); got != "0i" {
				t.Errorf("dropped is %s", got)
			}
			if len(h.logged) != 2 || !strings.Contains(h.logged[0], want) || !strings.Contains(h.logged[1], "again") {
				t.Errorf("logged %q, want %q", h.logged, want)
			}
		})
	}
	f(401, `{"code":"unauthorized","message":"unauthorized access"}`, "401: unauthorized access (EPHOR_STORE_TOKEN")
	f(403, `{"error":"\"u\" user is not authorized to write to database \"ephor\""}`, "(EPHOR_STORE_TOKEN must be allowed")
	f(404, `{"error":"database not found: \"ephor\""}`, `database not found: "ephor" (the store must have what EPHOR_STORE_DATABASE`)
	f(429, ``, "429")
	f(503, `{"error":"timeout"}`, "503: timeout")
}

// A store that says how long to leave it alone is left alone for so long, and not for ever.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	f := func(header func() string, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, nil)
			h.store.header = http.Header{"Retry-After": {header()}}
			h.store.answer = status(http.StatusServiceUnavailable)
			h.invoke(time.Minute)
			failed := time.Now()
			for len(h.store.sent()) == 1 {
				h.invoke(time.Minute)
				time.Sleep(95 * time.Millisecond)
			}
			if got := time.Since(failed); got < want || got > want+time.Second {
				t.Errorf("%v: it was left alone for %v, want %v", h.store.header, got, want)
			}
		})
	}
	is := func(s string) func() string { return func() string { return s } }
	f(is("20"), 20*time.Second)
	f(is("0"), time.Second)
	f(is("soon"), time.Second)
	f(is("-5"), time.Second)
	f(is("86400"), longestRetryAfter)
	f(func() string { return time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat) }, 90*time.Second)
}
