package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkAtomicAdd(b *testing.B) {
	var n atomic.Int64
	for b.Loop() {
		n.Add(1)
	}
}

func BenchmarkCounter(b *testing.B) {
	c := new(Counter)
	b.ReportAllocs()
	for b.Loop() {
		c.Inc()
	}
}

func BenchmarkGauge(b *testing.B) {
	g := new(Gauge)
	b.ReportAllocs()
	v := 0.0
	for b.Loop() {
		v++
		g.Set(v)
	}
}

func BenchmarkHistogram(b *testing.B) {
	h := new(Histogram)
	b.ReportAllocs()
	v := 0.0
	for b.Loop() {
		if v += 0.37; v > 500 {
			v = 0.1
		}
		h.Observe(v)
	}
}

// Eight goroutines on one instrument.
func BenchmarkContended(b *testing.B) {
	var n atomic.Int64
	c := new(Counter)
	h := new(Histogram)
	for name, f := range map[string]func(){
		"atomic": func() { n.Add(1) }, "counter": c.Inc, "histogram": func() { h.Observe(12) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					f()
				}
			})
		})
	}
}

// A flush of 100 instruments that have all changed: 80 counters, 10 gauges and 10 histograms of
// 20 buckets. Their changing, 2 µs or so, is in the figure.
func BenchmarkCut100(b *testing.B) {
	set := new(Set)
	var counters []*Counter
	var gauges []*Gauge
	var histograms []*Histogram
	for i := range 80 {
		c, _ := set.Counter(fmt.Sprintf("counter%d", i), With("kind", "book"))
		counters = append(counters, c)
	}
	for i := range 10 {
		g, _ := set.Gauge(fmt.Sprintf("gauge%d", i))
		h, _ := set.Histogram(fmt.Sprintf("histogram%d", i))
		gauges, histograms = append(gauges, g), append(histograms, h)
	}
	c, err := newCutter(set, []Tag{With("function", "SpartaGrafana-HelloWorld"), With("instance", "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef"), With("version", "$LATEST")})
	if err != nil {
		b.Fatal(err)
	}
	clock := systemClock()
	records := []record{{end: time.Unix(0, 1), durationMS: 12.5, memoryMB: 33}}
	st := &stats{}
	c.cut(clock.now(), records, st, false, false)
	value := 0.0
	b.ReportAllocs()
	for b.Loop() {
		value++
		for _, c := range counters {
			c.Inc()
		}
		for _, g := range gauges {
			g.Set(value)
		}
		for _, h := range histograms {
			for i := range 20 {
				h.Observe(float64(1 + i*i))
			}
		}
		now := clock.now()
		if batch, failed := c.cut(now, records, st, false, false); batch.points < 102 || failed.points != 0 {
			b.Fatal(batch.points, failed)
		}
	}
}

// What the publisher adds to an invocation, from the runtime's handing it over until its response
// may go out; publishing comes after that and is left out.
func BenchmarkInvocation(b *testing.B) {
	p, err := Open(Config{URL: "http://store.test", Transport: &storeStub{}, Set: new(Set), Initialization: managedInstances, Interval: time.Hour, Log: func(string) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close(context.Background())
	type order struct{ Item string }
	f := func(_ context.Context, o order) (order, error) { return o, nil }
	payload := []byte(`{"Item":"milk"}`)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("bare", func(b *testing.B) {
		h, err := newHandler(f)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			r, err := h.call(ctx, payload)
			if err != nil {
				b.Fatal(err)
			}
			r.recycle()
		}
	})
	b.Run("wrapped", func(b *testing.B) {
		h := p.Wrap(f).(func(context.Context, json.RawMessage) (*response, error))
		b.ReportAllocs()
		for b.Loop() {
			r, err := h(ctx, payload)
			if err != nil {
				b.Fatal(err)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
