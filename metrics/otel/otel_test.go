package otel

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
	"go.opentelemetry.io/otel/attribute"
	api "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

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

// newPublisher publishes set, and returns what publishes once and returns the program's points,
// sorted and without their times.
func newPublisher(t *testing.T, set *metrics.Set) (flush func() []string) {
	t.Helper()
	store := new(storeStub)
	p, err := metrics.Open(metrics.Config{URL: "http://store.test", Set: set, Transport: store, FlushTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) }) // the test has seen what it wanted to
	return func() []string {
		t.Helper()
		store.mu.Lock()
		before := len(store.bodies)
		store.mu.Unlock()
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.mu.Lock()
		defer store.mu.Unlock()
		var points []string
		for l := range strings.Lines(strings.Join(store.bodies[before:], "")) {
			point := l[:strings.LastIndexByte(l, ' ')]
			if !strings.HasPrefix(point, "publisher ") && !strings.HasPrefix(point, "runtime ") {
				points = append(points, point)
			}
		}
		slices.Sort(points)
		return points
	}
}

func must[I any](i I, err error) I {
	if err != nil {
		panic(err)
	}
	return i
}

func check(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" && len(got)+len(want) > 0 {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestEveryInstrument(t *testing.T) {
	t.Parallel()
	set := new(metrics.Set)
	provider := metric.NewMeterProvider(metric.WithReader(NewReader(set)))
	m := provider.Meter("test")
	ctx := t.Context()
	book := api.WithAttributes(attribute.String("kind", "book"), attribute.Int("shelf", 3), attribute.String("none", ""))

	counter := must(m.Int64Counter("orders"))
	float := must(m.Float64Counter("cpu.seconds"))
	updown := must(m.Int64UpDownCounter("under.way"))
	gauge := must(m.Float64Gauge("pool"))
	seconds := must(m.Float64Histogram("http.duration", api.WithUnit("s")))
	sizes := must(m.Int64Histogram("size", api.WithUnit("By")))
	observed := int64(10)
	must(m.Int64ObservableCounter("observed", api.WithInt64Callback(func(_ context.Context, o api.Int64Observer) error {
		o.Observe(observed)
		return nil
	})))
	must(m.Int64ObservableGauge("queue", api.WithInt64Callback(func(_ context.Context, o api.Int64Observer) error {
		o.Observe(4)
		return nil
	})))

	flush := newPublisher(t, set)
	counter.Add(ctx, 2, book)
	counter.Add(ctx, 1, book)
	float.Add(ctx, 0.5)
	updown.Add(ctx, 5)
	updown.Add(ctx, -2)
	gauge.Record(ctx, 2.5)
	seconds.Record(ctx, 0.02)
	seconds.Record(ctx, 0.02)
	sizes.Record(ctx, 0)
	sizes.Record(ctx, 100)
	check(t, "first", flush(),
		"cpu.seconds count=0.5,total=0.5",
		"http.duration_ms b_079=2i,count=2i,max=20,min=20,p50=20,p90=20,p99=20,sum=40",
		"observed count=10i,total=10i",
		"orders,kind=book,shelf=3 count=3i,total=3i",
		"pool value=2.5",
		"queue value=4",
		"size b_000=1i,b_096=1i,clamped=1i,count=2i,max=100,min=0,p50=0.01047933760482701,p90=100,p99=100,sum=100",
		"under.way value=3")
	check(t, "nothing changed", flush())
	counter.Add(ctx, 1, book)
	float.Add(ctx, 0.25)
	updown.Add(ctx, -3)
	observed = 12
	check(t, "second", flush(),
		"cpu.seconds count=0.25,total=0.75", "observed count=2i,total=12i", "orders,kind=book,shelf=3 count=1i,total=4i", "under.way value=0")
	if err := provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	check(t, "shut down", flush())
}

// A histogram's quantiles err by no more than the buckets they are published in.
func TestQuantiles(t *testing.T) {
	t.Parallel()
	set := new(metrics.Set)
	provider := metric.NewMeterProvider(metric.WithReader(NewReader(set)))
	h := must(provider.Meter("test").Float64Histogram("h"))
	flush := newPublisher(t, set)
	for i := range 10_000 {
		h.Record(t.Context(), 1+float64(i)/10)
	}
	points := flush()
	for name, want := range map[string]float64{"p50": 500.9, "p90": 900.9, "p99": 990.9, "min": 1, "max": 1000.9, "count": 10_000} {
		_, after, _ := strings.Cut(points[0], ","+name+"=")
		text, _, _ := strings.Cut(after, ",")
		got, err := strconv.ParseFloat(strings.TrimSuffix(text, "i"), 64)
		off := 0.0
		if name[0] == 'p' {
			off = 0.08 // a bucket of OpenTelemetry's may lie across the bounds of two
		}
		if err != nil || got < want*(1-off) || got > want*(1+off) {
			t.Errorf("%s is %v, want %v: %q, %v", name, got, want, points, err)
		}
	}
}

func TestWhatCannotBePublishedIsSaidOnce(t *testing.T) {
	t.Parallel()
	set := new(metrics.Set)
	if _, err := set.Gauge("taken"); err != nil {
		t.Fatal(err)
	}
	e := NewExporter(set)
	point := []metricdata.DataPoint[int64]{{Value: 1}}
	export := func() error {
		return e.Export(t.Context(), &metricdata.ResourceMetrics{ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{
			{Name: "invocation", Data: metricdata.Gauge[int64]{DataPoints: point}},
			{Name: "taken", Data: metricdata.Sum[int64]{DataPoints: point, IsMonotonic: true, Temporality: metricdata.DeltaTemporality}},
			{Name: "cumulative", Data: metricdata.Sum[int64]{DataPoints: point, IsMonotonic: true, Temporality: metricdata.CumulativeTemporality}},
			{Name: "summary", Data: metricdata.Summary{DataPoints: []metricdata.SummaryDataPoint{{}}}},
			{Name: "fine", Data: metricdata.Sum[int64]{DataPoints: point, IsMonotonic: true, Temporality: metricdata.DeltaTemporality}},
			{Name: "views", Data: metricdata.Histogram[float64]{Temporality: metricdata.DeltaTemporality, DataPoints: []metricdata.HistogramDataPoint[float64]{{
				Count: 3, Sum: 60, Bounds: []float64{10, 20}, BucketCounts: []uint64{1, 1, 1}, Min: metricdata.NewExtrema(4.0), Max: metricdata.NewExtrema(41.0),
			}}}},
		}}}})
	}
	err := export()
	for _, want := range []string{"publisher's own", "a gauge already", "temporality is not delta", "metricdata.Summary"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	if err := export(); err != nil {
		t.Errorf("said again: %v", err)
	}
	check(t, "the rest", newPublisher(t, set)(), "fine count=2i,total=2i",
		"views b_064=2i,b_076=2i,b_083=2i,count=6i,max=41,min=4,p50=15.381564061529499,p90=30.10697800226073,p99=30.10697800226073,sum=120")
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := export(); !errors.Is(err, metric.ErrExporterShutdown) {
		t.Errorf("after the end: %v", err)
	}
}

// One infinite observation takes none of the others with it.
func TestAnInfiniteObservation(t *testing.T) {
	t.Parallel()
	set := new(metrics.Set)
	view := metric.NewView(metric.Instrument{Name: "wait"}, metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: []float64{1, 10}}})
	m := metric.NewMeterProvider(metric.WithReader(NewReader(set)), metric.WithView(view)).Meter("test")
	wait := must(m.Float64Histogram("wait"))
	flush := newPublisher(t, set)
	for range 20 {
		wait.Record(t.Context(), 5)
	}
	wait.Record(t.Context(), math.Inf(1))
	got := flush()
	if len(got) != 1 || !strings.Contains(got[0], "count=21i,max=10,min=5,") {
		t.Errorf("%q", got)
	}
}
