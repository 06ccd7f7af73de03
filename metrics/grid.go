package metrics

import "math"

// Buckets is the number of a histogram's buckets. Bucket i is published as field b_ and its
// number in three digits.
const Buckets = 160

// The grid is the same for every histogram of every version, which is what lets buckets be
// added up across environments and time. It has 24 buckets to a factor of ten, beginning at
// 0.01:
//
//	bucket   0      24     48    72    96     120      144       159
//	from     0.01   0.1    1     10    100    1,000    10,000    42,170
//
// so bucket i runs from 10^(i/24 - 2), inclusive, to 10^((i+1)/24 - 2), and one more than
// bucket 159, the end, is 46,415.9. A bucket's upper bound is 1.1007 times its lower one. The
// value that a quantile within it is told as errs by 4.8 % at most:
//
//	lo            v            hi          v = 2·lo·hi/(lo+hi)
//	├─────────────┼────────────┤           (v-lo)/lo = (hi-v)/hi = 0.048
const (
	perDecade   = 24
	firstDecade = -2
)

// A grid finds a value's bucket without a logarithm. Cells are narrower than buckets: each power
// of two is cut into 16, so a cell overlaps two buckets at most, and one comparison decides.
type grid struct {
	bounds [Buckets + 1]float64
	bits   [Buckets + 1]uint64 // of the bounds, in the same order: none is negative
	low    uint64              // the cell of bounds[0]
	first  [366]uint8
}

// cellShift leaves a float64's exponent and the first four bits of its fraction.
const cellShift = 52 - 4

func newGrid() *grid {
	g := &grid{}
	for i := range g.bounds {
		g.bounds[i] = math.Pow(10, float64(i)/perDecade+firstDecade)
		g.bits[i] = math.Float64bits(g.bounds[i])
	}
	g.low = math.Float64bits(g.bounds[0]) >> cellShift
	bucket := 0
	for cell := range g.first {
		from := math.Float64frombits((g.low + uint64(cell)) << cellShift)
		for bucket < Buckets-1 && g.bounds[bucket+1] <= from {
			bucket++
		}
		g.first[cell] = uint8(bucket)
	}
	return g
}

// theGrid never changes once it is made.
var theGrid = newGrid()

// bucket is the bucket of v and whether v had to be clamped to the grid for it, as NaN is too.
func (g *grid) bucket(v float64) (i int, clamped bool) {
	if !(v >= g.bounds[0]) {
		return 0, true
	}
	if v >= g.bounds[Buckets] {
		return Buckets - 1, true
	}
	bits := math.Float64bits(v)
	i = int(g.first[bits>>cellShift-g.low])
	// One more if v is not less than the next bound. No processor could guess a branch here, and a
	// wrong guess costs as much as all the rest.
	i += int((g.bits[i+1] - 1 - bits) >> 63)
	return i, false
}

// mid is what stands for every value in bucket i.
func (g *grid) mid(i int) float64 {
	lo, hi := g.bounds[i], g.bounds[i+1]
	return 2 * lo * hi / (lo + hi)
}

// Bounds are the least value of bucket i and the least that is beyond it. The first bucket also
// holds all that is less, the last all that is more. Bounds panics unless 0 <= i < Buckets.
func Bounds(i int) (from, to float64) { return theGrid.bounds[i], theGrid.bounds[i+1] }

// Quantile is the value that the share q of the observations in buckets, as one histogram or
// several added up published them, does not exceed: 0.5 asks for the median. It errs by 4.8 %
// at most unless the value was outside the grid, and is 0 without observations.
func Quantile(q float64, buckets *[Buckets]int64) float64 {
	var count int64
	for _, n := range buckets {
		count += n
	}
	return quantile(q, buckets, count)
}

func quantile(q float64, buckets *[Buckets]int64, count int64) float64 {
	if count == 0 {
		return 0
	}
	// The nearest rank, as InfluxQL's percentile has it.
	rank := max(1, int64(math.Ceil(q*float64(count))))
	for i, n := range buckets {
		if rank -= n; rank <= 0 {
			return theGrid.mid(i)
		}
	}
	return theGrid.bounds[Buckets]
}
