package metrics

import (
	"fmt"
	"math"
)

// A Distribution is what another library's histogram has gathered, for Histogram.Merge.
type Distribution struct {
	// Values and Counts, of the same length: so many observations of about that value. A count
	// that is not positive is left out.
	Values []float64
	Counts []int64
	// Sum, Min and Max are those of all observations. NaN or an infinity means that one is not known, as
	// does a Min above Max of both: then it is reckoned from Values and Counts.
	Sum, Min, Max float64
}

// Merge adds observations that were gathered elsewhere. Each value's go to its bucket, so
// percentiles err by as much more as Values do. Values and Counts of different lengths are a programmer's
// mistake, of which Merge panics before it has added anything.
func (h *Histogram) Merge(d Distribution) {
	if len(d.Values) != len(d.Counts) {
		panic(fmt.Sprintf("metrics: a distribution has %d values and %d counts: each value needs its count", len(d.Values), len(d.Counts)))
	}
	var sum float64
	var counts [Buckets]int64
	var clamped, all int64
	least, greatest := math.NaN(), math.NaN()
	for i, v := range d.Values {
		n := d.Counts[i]
		if n <= 0 || !finite(v) {
			continue
		}
		b, outside := theGrid.bucket(v)
		if outside {
			clamped += n
		}
		counts[b] += n
		all += n
		sum += v * float64(n)
		if !(v >= least) {
			least = v
		}
		if !(v <= greatest) {
			greatest = v
		}
	}
	if all == 0 {
		return
	}
	if finite(d.Sum) {
		sum = d.Sum
	}
	if contradict := d.Min > d.Max; !contradict {
		if finite(d.Min) {
			least = d.Min
		}
		if finite(d.Max) {
			greatest = d.Max
		}
	}
	greatest = max(greatest, least) // where one of them alone is known, and not by the values
	h.clamped.Add(clamped)
	h.sum.add(sum)
	keep(&h.min, least, func(old float64) bool { return least < old })
	keep(&h.max, greatest, func(old float64) bool { return greatest > old })
	// Last, as in Observe.
	for b, n := range counts {
		if n > 0 {
			h.buckets[b].Add(n)
		}
	}
}
