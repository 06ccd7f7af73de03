package gometrics

import (
	"slices"
	"sync"
	"time"

	gm "github.com/rcrowley/go-metrics"
)

// maxPending is how many observations a Sample keeps between two flushes; of more it keeps the
// count.
const maxPending = 1 << 16

// Sample is a sample of go-metrics that also keeps, until the next flush, every observation, so
// that what is published of it stays exact: gm.NewHistogram(gometrics.NewSample()). Up to 65,536
// observations between two flushes are kept; it belongs to one registry.
type Sample struct {
	gm.Sample

	mu      sync.Mutex
	pending []int64
	count   int64
}

// NewSample makes a sample that to everybody else is gm.NewExpDecaySample(1028, 0.015).
func NewSample() *Sample { return &Sample{Sample: gm.NewExpDecaySample(1028, 0.015)} }

// Update adds an observation.
func (s *Sample) Update(v int64) {
	s.Sample.Update(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if len(s.pending) < maxPending {
		s.pending = append(s.pending, v)
	}
}

func (s *Sample) take() (count int64, values []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count, values = s.count, s.pending
	s.count, s.pending = 0, nil
	return count, values
}

// Timer is a timer of go-metrics on a Sample.
type Timer struct {
	gm.Timer
	sample *Sample
}

// NewTimer makes a timer that stays exact: gm.Register("query", gometrics.NewTimer()).
func NewTimer() *Timer {
	s := NewSample()
	return &Timer{Timer: gm.NewCustomTimer(gm.NewHistogram(s), gm.NewMeter()), sample: s}
}

var (
	_ gm.Sample = (*Sample)(nil)
	_ gm.Timer  = (*Timer)(nil)
)

// A source tells what was observed since it was asked before: how many, and of what values, which
// stand for all of them where there are fewer.
type source func() (count int64, values []int64)

func ofHistogram(h gm.Histogram) source {
	if s, ok := h.Sample().(*Sample); ok {
		return s.take
	}
	return fresh(func() (int64, []int64) {
		s := h.Sample().Snapshot()
		return s.Count(), s.Values()
	}, h.Count)
}

// defaultReservoir is the size of the sample in gm.NewTimer.
const defaultReservoir = 1028

// A timer shows no sample, but its percentiles are the sample's values if one knows how many
// there are: of n values the k-th is the percentile k/(n+1).
func ofTimer(t gm.Timer) source {
	if t, ok := t.(*Timer); ok {
		return t.sample.take
	}
	return fresh(func() (int64, []int64) {
		s := t.Snapshot()
		n := min(s.Count(), defaultReservoir)
		shares := make([]float64, n)
		for k := range shares {
			shares[k] = float64(k+1) / float64(n+1)
		}
		values := make([]int64, n)
		for k, v := range s.Percentiles(shares) {
			values[k] = int64(time.Duration(v + 0.5))
		}
		return s.Count(), values
	}, t.Count)
}

// fresh compares what a sample holds with what it held before. Until it is full nothing leaves it,
// so what is new in it is what was observed. Of a full one, what is new is a sample of what was
// observed, and if nothing is, its old values are the best there is.
func fresh(snapshot func() (int64, []int64), current func() int64) source {
	var last int64
	var before []int64 // sorted
	return func() (int64, []int64) {
		if current() == last {
			return 0, nil
		}
		count, values := snapshot()
		slices.Sort(values)
		if count < last { // it was cleared
			last, before = 0, nil
		}
		n, added := count-last, missing(values, before)
		last, before = count, values
		switch {
		case len(added) == 0:
			added = values
		case int64(len(added)) > n:
			added = added[:n]
		}
		return n, added
	}
}

// missing are those of values that before has not, both sorted; what is there twice must be there
// twice.
func missing(values, before []int64) []int64 {
	var rest []int64
	for _, v := range values {
		for len(before) > 0 && before[0] < v {
			before = before[1:]
		}
		if len(before) > 0 && before[0] == v {
			before = before[1:]
			continue
		}
		rest = append(rest, v)
	}
	return rest
}
