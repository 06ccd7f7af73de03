package metrics

import (
	"crypto/rand"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func gaugeFunc(t *testing.T, s *Set, name string, f func() float64) *GaugeFunc {
	t.Helper()
	g, err := s.GaugeFunc(name, f)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// values are what each batch says of some gauges, "" where it has no point of one.
func values(h *harness, names ...string) [][]string {
	var all [][]string
	for _, body := range h.store.sent() {
		var row []string
		for _, n := range names {
			row = append(row, field(body, n, "value"))
		}
		all = append(all, row)
	}
	return all
}

func TestGaugeFuncIsAskedAtEveryFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		v := 1.5
		g := gaugeFunc(t, h.set, "pool", func() float64 { return v })
		h.invoke(time.Minute)
		h.invoke(time.Minute) // unchanged
		v = -2
		h.invoke(time.Minute)
		if diff := cmp.Diff([][]string{{"1.5"}, {""}, {"-2"}}, values(h, "pool")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if g.Value() != -2 {
			t.Errorf("Value is %v", g.Value())
		}
	})
}

// A function that fails in whatever way costs nobody else anything.
func TestGaugeFuncFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		n := 0.0
		release := make(chan struct{})
		calls := 0
		gaugeFunc(t, h.set, "before", func() float64 { n++; return n })
		gaugeFunc(t, h.set, "panics", func() float64 { panic("no\npool") })
		gaugeFunc(t, h.set, "nan", func() float64 { return math.NaN() })
		gaugeFunc(t, h.set, "inf", func() float64 { return math.Inf(-1) })
		gaugeFunc(t, h.set, "hangs", func() float64 { calls++; <-release; return 7 })
		gaugeFunc(t, h.set, "after", func() float64 { return n })
		began := time.Now()
		h.invoke(time.Minute)
		if took := time.Since(began); took != 155*time.Millisecond {
			t.Errorf("the first flush took %v, want half of its 300 ms", took-5*time.Millisecond)
		}
		h.invoke(time.Minute)
		close(release)
		synctest.Wait()
		h.invoke(time.Minute)
		want := [][]string{
			{"1", "", "", "", "", ""}, // the time is up before the last one's turn
			{"2", "", "", "", "", "2"},
			{"3", "", "", "", "7", "3"},
		}
		if diff := cmp.Diff(want, values(h, "before", "panics", "nan", "inf", "hangs", "after")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if calls != 2 {
			t.Errorf("what hangs was called %d times", calls)
		}
		if len(h.logged) != 1 || !strings.Contains(h.logged[0], "panics: panic: no pool") {
			t.Errorf("logged %q", h.logged)
		}
		if got := field(h.store.sent()[2], "hits", "total"); got != "3i" {
			t.Errorf("the counter is at %s", got)
		}
	})
}

func TestGaugeFuncIsThereOnce(t *testing.T) {
	t.Parallel()
	var s Set
	f := func() float64 { return 1 }
	gaugeFunc(t, &s, "pool", f)
	if _, err := s.GaugeFunc("pool", f); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("%v", err)
	}
	if _, err := s.Gauge("pool"); err == nil || !strings.Contains(err.Error(), "gauge by function") {
		t.Errorf("%v", err)
	}
	if _, err := s.GaugeFunc("load", f); err == nil {
		t.Error("a reserved name is taken")
	}
	if _, err := s.GaugeFunc("nobody", nil); err == nil || !strings.Contains(err.Error(), `"nobody": its function is nil`) {
		t.Errorf("%v", err)
	}
	// The default set is there for as long as the process, in which a test may run several times.
	if NewGaugeFunc("default_gauge_func", f, With("run", rand.Text())).Value() != 0 {
		t.Error("it has a value before the first flush")
	}
}

func TestOnFlushStops(t *testing.T) {
	t.Parallel()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing is called at every flush")
			}
		}()
		new(Set).OnFlush(nil)
	}()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		var first, second int
		stop := h.set.OnFlush(func() { first++ })
		h.set.OnFlush(func() { second++ })
		h.invoke(time.Minute)
		stop()
		stop()
		h.invoke(time.Minute)
		if first != 1 || second != 2 {
			t.Errorf("called %d and %d times", first, second)
		}
	})
}
