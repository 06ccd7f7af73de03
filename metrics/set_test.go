package metrics

import (
	"strings"
	"testing"
)

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	f := func(want, name string, tags ...Tag) {
		t.Helper()
		var s Set
		c, err := s.Counter(name, tags...)
		if err == nil {
			t.Errorf("%q %v is taken: %v", name, tags, c)
			return
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q %v: %q does not say %q", name, tags, err, want)
		}
	}
	for _, name := range []string{"invocation", "publisher", "runtime", "load"} {
		f("publisher's own", name)
	}
	f("timestamp", "time")
	f("empty", "")
	f("underscore", "_hits")
	f("line break", "hits\n")
	for _, key := range []string{"function", "version", "instance"} {
		f("sets it on every point", "hits", With(key, "x"))
	}
	for _, key := range []string{"count", "total", "value", "sum", "min", "max", "p50", "p90", "p99", "clamped", "b_000", "b_159"} {
		f("a field of instruments", "hits", With(key, "x"))
	}
	f("timestamp", "hits", With("time", "x"))
	f("its value is empty", "hits", With("kind", ""))
	f("two of it", "hits", With("kind", "a"), With("kind", "b"))
}

func TestSetHasEachOnce(t *testing.T) {
	t.Parallel()
	var s Set
	get := func(c *Counter, err error) *Counter {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a := get(s.Counter("hits", With("kind", "book"), With("shop", "x")))
	if b := get(s.Counter("hits", With("shop", "x"), With("kind", "book"))); a != b {
		t.Error("the same name and tags give two counters")
	}
	if b := get(s.Counter("hits", With("shop", "x"), With("kind", "pen"))); a == b {
		t.Error("other tags give the same counter")
	}
	// The name of one is what the other's name and tags look like together.
	get(s.Counter("x", With("k", "v")))
	get(s.Counter("x,k=v"))
	if n := len(s.instruments()); n != 4 {
		t.Errorf("%d instruments", n)
	}
	if _, err := s.Gauge("hits", With("kind", "book"), With("shop", "x")); err == nil || !strings.Contains(err.Error(), "a counter already") {
		t.Errorf("a gauge in a counter's place: %v", err)
	}
	if _, err := s.Histogram("hits", With("kind", "map"), With("shop", "x")); err == nil || !strings.Contains(err.Error(), "a counter of that name") {
		t.Errorf("a histogram under a counter's name: %v", err)
	}
	if _, err := s.Counter("hits"); err == nil || !strings.Contains(err.Error(), "[kind shop]") {
		t.Errorf("other tag keys: %v", err)
	}
}

func TestNewCounterPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, `metrics: instrument "runtime"`) {
			t.Errorf("it panics with %q", v)
		}
	}()
	NewCounter("runtime")
}

func TestDefaultSet(t *testing.T) {
	t.Parallel()
	c := NewCounter("default_counter")
	g := NewGauge("default_gauge", With("kind", "a"))
	h := NewHistogram("default_histogram")
	if c2, err := Default().Counter("default_counter"); err != nil || c2 != c {
		t.Error("the counter is not in the default set")
	}
	if NewGauge("default_gauge", With("kind", "a")) != g || NewHistogram("default_histogram") != h {
		t.Error("an instrument is made twice")
	}
}
