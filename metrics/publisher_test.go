package metrics

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A storeStub is a store that is no further away than a function call, and keeps what it is sent.
type storeStub struct {
	mu     sync.Mutex
	bodies []string
	// answer says what becomes of write n, counted from 0: a status, or an error.
	answer func(ctx context.Context, n int) (status int, body string, err error)
	closed int // calls of CloseIdleConnections
}

func (s *storeStub) RoundTrip(r *http.Request) (*http.Response, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	n := len(s.bodies)
	s.bodies = append(s.bodies, string(b))
	answer := s.answer
	s.mu.Unlock()
	status, text := http.StatusNoContent, ""
	if answer != nil {
		if status, text, err = answer(r.Context(), n); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}}, nil
}

func (s *storeStub) CloseIdleConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
}

// sent is what was sent so far.
func (s *storeStub) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

func status(code int) func(context.Context, int) (int, string, error) {
	return func(context.Context, int) (int, string, error) { return code, "", nil }
}

type harness struct {
	*Publisher
	t       *testing.T
	store   *storeStub
	set     *Set
	counter *Counter
	logged  []string
	handler func(context.Context) (*response, error)
	fail    error // what the handler returns
}

// newHarness opens a publisher without a Runtime API, which so publishes at the end of every
// invocation, and wraps a handler that counts.
func newHarness(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	h := &harness{t: t, store: &storeStub{}, set: new(Set)}
	var err error
	if h.counter, err = h.set.Counter("hits"); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		URL: "http://store.test:8086", Function: "f", Instance: "i", Set: h.set, Transport: h.store,
		Log: func(m string) { h.logged = append(h.logged, m) },
	}
	if change != nil {
		change(&cfg)
	}
	if h.Publisher, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	h.handler = h.Wrap(func() error {
		h.counter.Inc()
		time.Sleep(5 * time.Millisecond)
		return h.fail
	}).(func(context.Context) (*response, error))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = h.Close(ctx) // the test has seen what it wanted to
	})
	return h
}

// invoke is one invocation as aws-lambda-go makes it, with a deadline as far away as the timeout.
func (h *harness) invoke(timeout time.Duration) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	resp, err := h.handler(ctx)
	if !errors.Is(err, h.fail) {
		h.t.Errorf("the handler returned %v", err)
	}
	if err == nil {
		if b, err := io.ReadAll(resp); err != nil || string(b) != "null" {
			h.t.Errorf("the response is %q, %v", b, err)
		}
		if err := resp.Close(); err != nil {
			h.t.Error(err)
		}
	}
	cancel()
}

// field is the value of a field of the last point of a measurement.
func field(body, measurement, name string) string {
	value := ""
	for l := range strings.Lines(body) {
		if !strings.HasPrefix(l, measurement+",") {
			continue
		}
		for _, f := range strings.Split(strings.Fields(l)[1], ",") {
			if k, v, _ := strings.Cut(f, "="); k == name {
				value = v
			}
		}
	}
	return value
}

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

// checkStamps checks that times strictly increase within every series.
func checkStamps(t *testing.T, bodies []string) {
	t.Helper()
	last := map[string]string{}
	for _, b := range bodies {
		for l := range strings.Lines(b) {
			f := strings.Fields(l)
			series, at := f[0], f[len(f)-1]
			if at <= last[series] {
				t.Errorf("%s: %s comes after %s", series, at, last[series])
			}
			last[series] = at
		}
	}
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

func TestPoisonIsDroppedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	f := func(code int, body, dropped, points string) {
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
			if len(sent) != 2 || sent[0] == sent[1] {
				t.Fatalf("%d writes: %q", len(sent), sent)
			}
			for name, want := range map[string]string{"seq": "2i", "retries": "0i", "dropped": dropped, "points": points} {
				if got := field(sent[1], "publisher", name); got != want {
					t.Errorf("%d %s: %s is %s, want %s", code, body, name, got, want)
				}
			}
			if len(h.logged) != 1 || !strings.Contains(h.logged[0], "refused") {
				t.Errorf("logged: %q", h.logged)
			}
		})
	}
	f(400, `{"error":"partial write: field type conflict: … dropped=1"}`, "1i", "3i")
	f(400, `{"error":"partial write: unable to parse 'x': … dropped=0"}`, "1i", "3i")
	f(400, `{"error":"database is required"}`, "4i", "0i")
	f(413, ``, "4i", "0i")
	f(422, `{"code":"unprocessable entity","message":"schema conflict"}`, "4i", "0i")
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

func TestErrorsAreRecordedWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.fail = errors.New("first line\nsecond \"line\"")
		h.invoke(time.Minute)
		synctest.Wait()
		sent := h.store.sent()
		if len(sent) != 1 || !strings.Contains(sent[0], `error="first line second \"line\"",init_ms=`) || !strings.Contains(sent[0], "ok=false") {
			t.Errorf("sent %q", sent)
		}
	})
}

func TestFreezeIsSeenAndStaleConnectionsDropped(t *testing.T) {
	t.Parallel()
	now := moment{wall: time.Unix(1763800000, 0)}
	h := newHarness(t, func(c *Config) {
		c.Clock = func() (time.Time, time.Duration) { return now.wall, now.monotonic }
	})
	pass := func(awake, frozen time.Duration) {
		now.wall, now.monotonic = now.wall.Add(awake+frozen), now.monotonic+awake
	}
	f := func(frozen time.Duration, freezes, frozenMS string, closed int) {
		t.Helper()
		pass(time.Millisecond, frozen)
		h.invoke(time.Minute)
		sent := h.store.sent()
		last := sent[len(sent)-1]
		if a, b := field(last, "publisher", "freezes"), field(last, "publisher", "frozen_ms"); a != freezes || b != frozenMS {
			t.Errorf("after %v: freezes is %s, frozen_ms %s", frozen, a, b)
		}
		if h.store.closed != closed {
			t.Errorf("after %v: idle connections were closed %d times", frozen, h.store.closed)
		}
		if at := strings.Fields(last); at[len(at)-1] < fmt.Sprint(now.wall.UnixNano()) {
			t.Errorf("after %v: the wall clock is at %d, the point at %s", frozen, now.wall.UnixNano(), at[len(at)-1])
		}
	}
	f(0, "0i", "0", 0)
	f(50*time.Millisecond, "0i", "0", 0)
	f(500*time.Millisecond, "1i", "500", 0)
	f(time.Minute, "2i", "60500", 1)
	f(-time.Hour, "2i", "60500", 1) // the wall clock is set back: no time goes down with it
	checkStamps(t, h.store.sent())
}

func TestOneBatch(t *testing.T) {
	t.Parallel()
	now := moment{wall: time.Unix(1763800000, 0)}
	h := newHarness(t, func(c *Config) {
		c.Version = "7"
		c.Clock = func() (time.Time, time.Duration) { return now.wall, now.monotonic }
	})
	tagged, err := h.set.Counter("orders", With("kind", "a book"))
	if err != nil {
		t.Fatal(err)
	}
	tagged.Add(3)
	gauge, err := h.set.Gauge("pool")
	if err != nil {
		t.Fatal(err)
	}
	gauge.Set(4)
	// Neither init nor the runtime has figures that a test could know.
	h.cold = false
	h.cutter.runtimeStats = runtimeStats{last: now, seen: true}
	h.memory.close()
	h.memory = memory{}
	h.invoke(time.Minute)
	want := `invocation,function=f,instance=i,version=7 cold=false,duration_ms=0,memory_mb=0,ok=true 1763800000000000000
hits,function=f,instance=i,version=7 count=1i,total=1i 1763800000000000001
orders,function=f,instance=i,kind=a\ book,version=7 count=3i,total=3i 1763800000000000001
pool,function=f,instance=i,version=7 value=4 1763800000000000001
publisher,function=f,instance=i,version=7 bytes=0i,dropped=0i,flush_ms=0,freezes=0i,frozen_ms=0,points=0i,retries=0i,seq=1i 1763800000000000001
`
	if diff := cmp.Diff([]string{want}, h.store.sent()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFinalBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.invoke(time.Minute)
		h.counter.Add(2)
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := h.store.sent()
		if len(sent) != 2 || field(sent[1], "publisher", "final") != "true" || field(sent[1], "hits", "count") != "2i" {
			t.Errorf("sent %q", sent)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.store.answer = status(http.StatusServiceUnavailable)
		h.invoke(time.Minute)
		if err := h.Close(t.Context()); err == nil {
			t.Error("nothing is said of what was not acknowledged")
		}
		if n := len(h.store.sent()); n != 2 {
			t.Errorf("%d writes: the end does not wait for a back-off", n)
		}
	})
}

func TestASetHasOnePublisher(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	cfg := Config{URL: "http://store.test", Set: h.set, Transport: h.store}
	if _, err := Open(cfg); err == nil {
		t.Fatal("a second one may have it")
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
