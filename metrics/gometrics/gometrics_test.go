package gometrics

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gm "github.com/rcrowley/go-metrics"

	"github.com/ephor-io/ephor/metrics"
)

// check compares the points of a flush, in any order.
func check(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestEveryKindIsPublishedAsADelta(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) { c.Tags = []metrics.Tag{metrics.With("shop", "x")} })
	r := h.registry
	counter := gm.NewRegisteredCounter("counter", r)
	gauge := gm.NewRegisteredGauge("gauge", r)
	float := gm.NewRegisteredGaugeFloat64("float", r)
	meter := gm.NewRegisteredMeter("meter", r)
	defer meter.Stop()
	histogram := gm.NewRegisteredHistogram("histogram", r, gm.NewUniformSample(100))
	timer := gm.NewRegisteredTimer("timer", r)
	defer timer.Stop()
	var ill error
	if err := r.Register("health", gm.NewHealthcheck(func(h gm.Healthcheck) {
		if ill != nil {
			h.Unhealthy(ill)
		} else {
			h.Healthy()
		}
	})); err != nil {
		t.Fatal(err)
	}
	functional := int64(7)
	gm.NewRegisteredFunctionalGauge("functional", r, func() int64 { return functional })

	counter.Inc(5)
	counter.Dec(2)
	gauge.Update(3)
	float.Update(0.5)
	meter.Mark(4)
	histogram.Update(10)
	histogram.Update(10)
	timer.Update(20 * time.Millisecond)
	check(t, "first", h.flush(),
		"counter,shop=x count=3i,total=3i", "gauge,shop=x value=3", "float,shop=x value=0.5", "meter,shop=x count=4i,total=4i",
		"histogram,shop=x b_072=2i,count=2i,max=10,min=10,p50=10,p90=10,p99=10,sum=20",
		"timer,shop=x b_079=1i,count=1i,max=20,min=20,p50=20,p90=20,p99=20,sum=20",
		"health,shop=x value=1", "functional,shop=x value=7")
	check(t, "nothing changed", h.flush())

	counter.Dec(4)
	meter.Mark(1)
	histogram.Update(10)
	histogram.Update(30)
	timer.Update(20 * time.Millisecond)
	timer.Update(time.Second)
	ill = errors.New("ill")
	functional = 8
	check(t, "second", h.flush(),
		"counter,shop=x count=-4i,total=-1i", "meter,shop=x count=1i,total=5i",
		"histogram,shop=x b_072=1i,b_083=1i,count=2i,max=30,min=10,p50=10.479337604827009,p90=30,p99=30,sum=40",
		"timer,shop=x b_079=1i,b_120=1i,count=2i,max=1000,min=20,p50=20.511645336242733,p90=1000,p99=1000,sum=1020",
		"health,shop=x value=0", "functional,shop=x value=8")

	histogram.Clear()
	histogram.Update(30)
	check(t, "cleared", h.flush(), "histogram,shop=x b_083=1i,count=1i,max=30,min=30,p50=30,p90=30,p99=30,sum=30")
	if len(h.logged) > 0 {
		t.Errorf("logged %q", h.logged)
	}
}

// A counter that is registered again goes on, and one that takes its place begins anew.
func TestRegisteredAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	c := gm.NewRegisteredCounter("c", h.registry)
	c.Inc(2)
	check(t, "first", h.flush(), "c count=2i,total=2i")
	h.registry.Unregister("c")
	c.Inc(1)
	check(t, "gone", h.flush())
	if err := h.registry.Register("c", c); err != nil {
		t.Fatal(err)
	}
	check(t, "back", h.flush(), "c count=1i,total=3i")
	h.registry.Unregister("c")
	gm.NewRegisteredCounter("c", h.registry).Inc(5)
	check(t, "another", h.flush(), "c count=5i,total=8i")
}

func TestWhatCannotBePublishedIsSaidOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	if _, err := h.set.Gauge("taken"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"invocation", "_hidden", "taken", "fine and well"} {
		gm.NewRegisteredCounter(name, h.registry).Inc(1)
	}
	gm.NewRegisteredFunctionalGauge("panics", h.registry, func() int64 { panic("no pool") })
	check(t, "the rest", h.flush(), `fine\ and\ well count=1i,total=1i`)
	check(t, "again", h.flush())
	slices.Sort(h.logged)
	if len(h.logged) != 4 {
		t.Fatalf("logged %q", h.logged)
	}
	for i, want := range []string{`"_hidden" is not published: instrument "_hidden"`, `"invocation" is not published`, `"panics" panics`, "gauge already"} {
		if !strings.Contains(h.logged[i], want) || i != 2 && !strings.Contains(h.logged[i], "Prefix") {
			t.Errorf("logged %q, want %q", h.logged[i], want)
		}
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) { c.Prefix = "legacy." })
	gm.NewRegisteredCounter("invocation", h.registry).Inc(1)
	check(t, "prefixed", h.flush(), "legacy.invocation count=1i,total=1i")
}

func TestPublishRefusesTags(t *testing.T) {
	t.Parallel()
	_, err := Publish(Config{Registry: gm.NewRegistry(), Set: new(metrics.Set), Tags: []metrics.Tag{metrics.With("instance", "x")}})
	if err == nil || !strings.Contains(err.Error(), `tag "instance"`) {
		t.Errorf("%v", err)
	}
}

// The runtime's statistics are read without a ticker, unless the program has one.
func TestRuntimeRegistration(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	gm.RegisterRuntimeMemStats(h.registry)
	gm.RegisterDebugGCStats(h.registry)
	if h.registry.Get("runtime.MemStats.Alloc") == nil {
		t.Skip("go-metrics registers the runtime's statistics once in a process, which it has done in a run before")
	}
	has := func(points []string, name string) bool {
		return slices.ContainsFunc(points, func(p string) bool { return strings.HasPrefix(p, name+" ") && !strings.HasSuffix(p, "value=0") })
	}
	points := h.flush()
	for _, name := range []string{"runtime.MemStats.Alloc", "runtime.MemStats.HeapSys", "runtime.NumGoroutine", "runtime.ReadMemStats", "debug.ReadGCStats"} {
		if !has(points, name) {
			t.Errorf("%s is not there: %q", name, points)
		}
	}
	if len(h.logged) > 0 {
		t.Errorf("logged %q", h.logged)
	}
	c := capture{marker: "runtime.ReadMemStats", read: func(gm.Registry) { t.Error("read") }}
	c.once(h.registry) // once more than this one knows of
	if !c.others {
		t.Error("it does not see that others read")
	}
}
