package bench

import (
	"context"
	"sync/atomic"
	"testing"

	victoria "github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	gm "github.com/rcrowley/go-metrics"
	"go.opentelemetry.io/otel/attribute"
	otelapi "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/ephor-io/ephor/metrics"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// counters all have one tag set, looked up beforehand where the library lets one.
func counters() []contender {
	var bare atomic.Int64
	ours := must(new(metrics.Set).Counter("orders", metrics.With("kind", "book")))
	theirs := gm.NewRegisteredCounter("orders", gm.NewRegistry())
	prom := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orders"}, []string{"kind"}).WithLabelValues("book")
	vm := victoria.NewSet().NewCounter(`orders{kind="book"}`)
	meter := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())).Meter("bench")
	otel := must(meter.Int64Counter("orders"))
	ctx, tags := context.Background(), otelapi.WithAttributeSet(attribute.NewSet(attribute.String("kind", "book")))
	options := []otelapi.AddOption{tags}
	return []contender{
		{"atomic", func(n int) {
			for range n {
				bare.Add(1)
			}
		}},
		{"ephor", func(n int) {
			for range n {
				ours.Inc()
			}
		}},
		{"go-metrics", func(n int) {
			for range n {
				theirs.Inc(1)
			}
		}},
		{"Prometheus", func(n int) {
			for range n {
				prom.Inc()
			}
		}},
		{"VictoriaMetrics", func(n int) {
			for range n {
				vm.Inc()
			}
		}},
		{"OpenTelemetry", func(n int) {
			for range n {
				otel.Add(ctx, 1, options...)
			}
		}},
	}
}

func histograms() []contender {
	var bare atomic.Int64
	ours := must(new(metrics.Set).Histogram("query_ms"))
	theirs := gm.NewRegisteredHistogram("query", gm.NewRegistry(), gm.NewExpDecaySample(1028, 0.015))
	prom := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "query", Buckets: prometheus.ExponentialBuckets(0.1, 2, 12)})
	native := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "query", NativeHistogramBucketFactor: 1.1})
	vm := victoria.NewSet().NewHistogram("query")
	meter := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())).Meter("bench")
	otel := must(meter.Float64Histogram("query"))
	ctx := context.Background()
	// Values from 0.1 to 500, as of queries in milliseconds.
	values := new([1024]float64)
	for i := range values {
		values[i] = 0.1 + float64(i*37%5000)/10
	}
	return []contender{
		{"atomic", func(n int) {
			for range n {
				bare.Add(1)
			}
		}},
		{"ephor", func(n int) {
			for i := range n {
				ours.Observe(values[i&1023])
			}
		}},
		{"go-metrics", func(n int) {
			for i := range n {
				theirs.Update(int64(values[i&1023]))
			}
		}},
		{"Prometheus", func(n int) {
			for i := range n {
				prom.Observe(values[i&1023])
			}
		}},
		{"Prometheus-native", func(n int) {
			for i := range n {
				native.Observe(values[i&1023])
			}
		}},
		{"VictoriaMetrics", func(n int) {
			for i := range n {
				vm.Update(values[i&1023])
			}
		}},
		{"OpenTelemetry", func(n int) {
			for i := range n {
				otel.Record(ctx, values[i&1023])
			}
		}},
	}
}

func BenchmarkCounter(b *testing.B) {
	c := counters()
	allocations(b, "ephor", c)
	turns(b, 1, 20_000, c)
}

func BenchmarkHistogram(b *testing.B) {
	c := histograms()
	allocations(b, "ephor", c)
	turns(b, 1, 20_000, c)
}

// Eight goroutines on one instrument, for long enough that they run at the same time.
func BenchmarkCounterOf8Goroutines(b *testing.B) { turns(b, 8, 400_000, counters()) }

func BenchmarkHistogramOf8Goroutines(b *testing.B) { turns(b, 8, 400_000, histograms()) }
