package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
hits,function=f,instance=i,version=7 count=1i,total=1i 1763800000000000000
orders,function=f,instance=i,kind=a\ book,version=7 count=3i,total=3i 1763800000000000000
pool,function=f,instance=i,version=7 value=4 1763800000000000000
publisher,function=f,instance=i,version=7 bytes=0i,dropped=0i,flush_ms=0,freezes=0i,frozen_ms=0,points=0i,retries=0i,seq=1i 1763800000000000000
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

// An invocation lasts as long as the monotonic clock says, whatever is done to the wall clock meanwhile, and stands at
// the time that the wall clock has at its end.
func TestDurationIsMonotonic(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		now := moment{wall: time.Unix(1763800000, 0)}
		h := newHarness(t, func(c *Config) {
			c.Clock = func() (time.Time, time.Duration) { return now.wall, now.monotonic }
		})
		handler := h.Wrap(func() error {
			now = moment{wall: now.wall.Add(jump), monotonic: now.monotonic + 7*time.Millisecond}
			return nil
		}).(func(context.Context) (*response, error))
		resp, err := handler(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		end := now.wall
		if err := resp.Close(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(h.store.sent()[0]) {
			if !strings.HasPrefix(line, "invocation,") {
				continue
			}
			if got := field(line, "invocation", "duration_ms"); got != "7" || !strings.HasSuffix(line, fmt.Sprintf(" %d\n", end.UnixNano())) {
				t.Errorf("after %v: %s", jump, line)
			}
		}
	}
}
