package prom

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ephor-io/ephor/metrics"
)

// A storeStub keeps what is written to it.
type storeStub struct {
	mu     sync.Mutex
	bodies []string
}

func (s *storeStub) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, string(b))
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

type harness struct {
	t        *testing.T
	registry *prometheus.Registry
	set      *metrics.Set
	store    *storeStub
	p        *metrics.Publisher
	logged   []string
}

func newHarness(t *testing.T, c Config) *harness {
	t.Helper()
	h := &harness{t: t, registry: prometheus.NewRegistry(), set: new(metrics.Set), store: new(storeStub)}
	c.Set, c.Log = h.set, func(m string) { h.logged = append(h.logged, m) }
	if c.Gatherer == nil {
		c.Gatherer = h.registry
	}
	Publish(c)
	var err error
	h.p, err = metrics.Open(metrics.Config{URL: "http://store.test", Set: h.set, Transport: h.store, FlushTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.p.Close(context.Background()) }) // the test has seen what it wanted to
	return h
}

// flush publishes once and returns the program's points, sorted and without their times.
func (h *harness) flush() []string {
	h.t.Helper()
	before := len(h.store.bodies)
	if err := h.p.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	var points []string
	for l := range strings.Lines(strings.Join(h.store.bodies[before:], "")) {
		point := l[:strings.LastIndexByte(l, ' ')]
		if !strings.HasPrefix(point, "publisher ") && !strings.HasPrefix(point, "runtime ") {
			points = append(points, point)
		}
	}
	slices.Sort(points)
	return points
}

func check(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" && len(got)+len(want) > 0 {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestEveryKindIsPublishedAsADelta(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Prefix: "p_"})
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orders_total"}, []string{"kind", "instance"})
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "pool"})
	untyped := prometheus.NewUntypedFunc(prometheus.UntypedOpts{Name: "untyped"}, func() float64 { return 3 })
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "wait", Objectives: map[float64]float64{0.5: 0.05}})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "query_duration_seconds", Buckets: []float64{0.01, 0.1, 1}})
	h.registry.MustRegister(counter, gauge, untyped, summary, histogram)
	counter.WithLabelValues("book", "a").Add(2)
	gauge.Set(-1)
	summary.Observe(10)
	histogram.Observe(0.0625)
	histogram.Observe(0.0625)
	histogram.Observe(7)
	first := h.flush()
	want := []string{
		"p_orders_total,exported_instance=a,kind=book count=2,total=2",
		"p_pool value=-1",
		"p_query_duration_ms b_089=2i,b_120=1i,count=3i,",
		"p_untyped value=3",
		"p_wait,quantile=0.5 value=10",
		"p_wait_count count=1,total=1",
		"p_wait_sum count=10,total=10",
	}
	if len(first) != len(want) {
		t.Fatalf("%q", first)
	}
	for i := range want {
		if !strings.HasPrefix(first[i], want[i]) || strings.Contains(first[i], "b_") && !strings.HasSuffix(first[i], ",sum=7125") {
			t.Errorf("%q, want %q", first[i], want[i])
		}
	}
	check(t, "nothing changed", h.flush())
	counter.WithLabelValues("book", "a").Add(0.5)
	histogram.Observe(0.0078125)
	check(t, "second", h.flush(), "p_orders_total,exported_instance=a,kind=book count=0.5,total=2.5",
		"p_query_duration_ms b_064=1i,count=1i,max=5,min=5,p50=5,p90=5,p99=5,sum=7.8125")
	counter.Reset()
	counter.WithLabelValues("book", "a").Add(1)
	check(t, "reset", h.flush(), "p_orders_total,exported_instance=a,kind=book count=1,total=3.5")
	if len(h.logged) > 0 {
		t.Errorf("logged %q", h.logged)
	}
}

func fieldOf(t *testing.T, point, name string) float64 {
	t.Helper()
	_, after, ok := strings.Cut(strings.ReplaceAll(point, " ", ","), ","+name+"=")
	text, _, _ := strings.Cut(after, ",")
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, "i"), 64)
	if !ok || err != nil {
		t.Fatalf("%s: no %s: %v", point, name, err)
	}
	return v
}

// A native histogram's counts stay exact while its buckets grow in number and are merged, and its
// quantiles near.
func TestNativeHistogram(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "size", NativeHistogramBucketFactor: 1.05, NativeHistogramMaxBucketNumber: 100})
	h.registry.MustRegister(histogram)
	schemas := map[int32]bool{}
	for round := range 10 {
		n, sum, negative := 100*(round+1), 0.0, 0
		for i := range n {
			v := math.Pow(1.5, float64(round)) * (1 + float64(i)/float64(n))
			if i%50 == 49 {
				v, negative = -v, negative+1
			}
			histogram.Observe(v)
			sum += v
		}
		points := h.flush()
		if len(points) != 1 {
			t.Fatalf("%q", points)
		}
		if got := fieldOf(t, points[0], "count"); got != float64(n) {
			t.Errorf("round %d: count is %v, want %d", round, got, n)
		}
		if got := fieldOf(t, points[0], "b_000"); got != float64(negative) {
			t.Errorf("round %d: %v below zero, want %d", round, got, negative)
		}
		if got := fieldOf(t, points[0], "sum"); math.Abs(got-sum) > 1e-6*sum {
			t.Errorf("round %d: sum is %v, want %v", round, got, sum)
		}
		median := math.Pow(1.5, float64(round)) * 1.5
		if got := fieldOf(t, points[0], "p50"); math.Abs(got-median)/median > 0.15 {
			t.Errorf("round %d: p50 is %v, want about %v", round, got, median)
		}
		var m dto.Metric
		if err := histogram.Write(&m); err != nil {
			t.Fatal(err)
		}
		schemas[m.GetHistogram().GetSchema()] = true
	}
	if len(schemas) < 2 {
		t.Errorf("its buckets were never merged: %v", schemas)
	}
}

func TestCoarser(t *testing.T) {
	t.Parallel()
	got := coarser(map[int32]int64{-3: 1, -2: 2, -1: 4, 0: 8, 1: 16, 2: 32, 3: 64}, 1)
	if diff := cmp.Diff(map[int32]int64{-1: 3, 0: 12, 1: 48, 2: 64}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatCannotBePublishedIsSaidOnce(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	broken := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := registry.Gather()
		return families, errors.Join(err, errors.New("one collector is broken"))
	})
	h := newHarness(t, Config{Gatherer: broken})
	for _, name := range []string{"invocation", "fine"} {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name})
		g.Set(1)
		registry.MustRegister(g)
	}
	check(t, "the rest", h.flush(), "fine value=1")
	check(t, "again", h.flush())
	if len(h.logged) != 2 || !strings.Contains(h.logged[0], "one collector is broken") || !strings.Contains(h.logged[1], "publisher's own") {
		t.Errorf("logged %q", h.logged)
	}
}

// What the default registry has by itself is published without a complaint.
func TestDefaultRegistry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Gatherer: prometheus.DefaultGatherer})
	points := h.flush()
	for _, want := range []string{"go_goroutines value=", "go_info,exported_version=", "process_open_fds value="} {
		if !slices.ContainsFunc(points, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("no %s in %q", want, points)
		}
	}
	if len(h.logged) > 0 {
		t.Errorf("logged %q", h.logged)
	}
}
