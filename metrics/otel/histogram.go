package otel

import (
	"math"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ephor-io/ephor/metrics"
)

// exponential adds histograms whose buckets' bounds are the powers of 2^(2^-scale).
//
// https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
func exponential[N int64 | float64](s *sink, unit string, h metricdata.ExponentialHistogram[N]) {
	s.mustBeDelta(h.Temporality)
	factor := s.inUnit(unit)
	for _, p := range h.DataPoints {
		d := metrics.Distribution{Sum: float64(p.Sum) * factor, Min: times(p.Min, factor), Max: times(p.Max, factor)}
		add := func(v float64, n uint64) {
			if n > 0 {
				d.Values, d.Counts = append(d.Values, v*factor), append(d.Counts, int64(n))
			}
		}
		width := math.Exp2(-float64(p.Scale))
		// The middle of a bucket, by ratio.
		middle := func(bucket int32) float64 { return math.Exp2((float64(bucket) + 0.5) * width) }
		for i, n := range p.NegativeBucket.Counts {
			add(-middle(p.NegativeBucket.Offset+int32(i)), n)
		}
		add(0, p.ZeroCount)
		for i, n := range p.PositiveBucket.Counts {
			add(middle(p.PositiveBucket.Offset+int32(i)), n)
		}
		s.histogram(p.Attributes, d)
	}
}

// explicit adds histograms whose bounds a view has chosen. What lies between two bounds is taken
// for their middle; the greatest value bounds the last bucket.
func explicit[N int64 | float64](s *sink, unit string, h metricdata.Histogram[N]) {
	s.mustBeDelta(h.Temporality)
	factor := s.inUnit(unit)
	for _, p := range h.DataPoints {
		d := metrics.Distribution{Sum: float64(p.Sum) * factor, Min: times(p.Min, factor), Max: times(p.Max, factor)}
		lower := 0.0
		for i, n := range p.BucketCounts {
			upper := lower
			if i < len(p.Bounds) {
				upper = p.Bounds[i]
			} else if d.Max > lower*factor {
				upper = d.Max / factor
			}
			if n > 0 {
				d.Values, d.Counts = append(d.Values, (lower+upper)/2*factor), append(d.Counts, int64(n))
			}
			lower = upper
		}
		s.histogram(p.Attributes, d)
	}
}
