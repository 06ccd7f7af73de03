package gometrics

import (
	"math"
	"slices"

	"github.com/ephor-io/ephor/metrics"
)

// observed adds to h what s has observed since the last time, times scale.
func observed(h *metrics.Histogram, s source, scale float64) func() {
	return func() {
		if count, values := s(); count > 0 && len(values) > 0 {
			h.Merge(distribution(count, values, scale))
		}
	}
}

// distribution spreads count observations over values, evenly from the least to the greatest.
func distribution(count int64, values []int64, scale float64) metrics.Distribution {
	values = slices.Clone(values)
	slices.Sort(values)
	d := metrics.Distribution{
		Values: make([]float64, len(values)),
		Counts: make([]int64, len(values)),
		Sum:    math.NaN(), Min: math.NaN(), Max: math.NaN(),
	}
	n := int64(len(values))
	for i, v := range values {
		d.Values[i] = float64(v) * scale
		d.Counts[i] = share(count, int64(i)+1, n) - share(count, int64(i), n)
	}
	return d
}

// share is count·i/n, without an overflow.
func share(count, i, n int64) int64 { return count/n*i + count%n*i/n }
