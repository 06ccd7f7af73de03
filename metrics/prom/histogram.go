package prom

import (
	"fmt"
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/ephor-io/ephor/metrics"
)

// buckets are what a histogram had gathered when it was last asked.
type buckets struct {
	count  uint64
	sum    float64
	schema int32
	zero   uint64
	// counts of each bucket alone: of a native histogram by its number, negative values' and
	// positive ones'; of one with fixed buckets by the place of its upper bound.
	negative, positive map[int32]int64
}

// addHistogram adds what was observed since the last time.
func (a *adapter) addHistogram(name string, h *dto.Histogram, tags []metrics.Tag) error {
	unit := 1.0
	if base, ok := strings.CutSuffix(name, "_seconds"); ok {
		name, unit = base+"_ms", 1000
	}
	if h.GetSampleCountFloat() != 0 {
		return fmt.Errorf("its counts are fractions, which a program's own histograms' never are")
	}
	to, err := a.cfg.Set.Histogram(name, tags...)
	if err != nil {
		return err
	}
	key := fmt.Sprint(name, tags)
	last := a.histograms[key]
	native := len(h.GetPositiveSpan())+len(h.GetNegativeSpan()) > 0 || h.GetZeroThreshold() > 0
	now := read(h, native)
	if last == nil || now.count < last.count || native && now.schema > last.schema {
		last = &buckets{schema: now.schema} // it began anew
	}
	a.histograms[key] = now
	if now.count == last.count {
		return nil
	}
	d := metrics.Distribution{Sum: (now.sum - last.sum) * unit, Min: math.NaN(), Max: math.NaN()}
	add := func(v float64, n int64) {
		if n > 0 {
			d.Values, d.Counts = append(d.Values, v*unit), append(d.Counts, n)
		}
	}
	if native {
		for i, n := range difference(now.negative, coarser(last.negative, last.schema-now.schema)) {
			add(-middle(i, now.schema), n)
		}
		add(0, int64(now.zero)-int64(last.zero))
		for i, n := range difference(now.positive, coarser(last.positive, last.schema-now.schema)) {
			add(middle(i, now.schema), n)
		}
	} else {
		for i, n := range difference(now.positive, last.positive) {
			add(between(h.GetBucket(), int(i)), n)
		}
	}
	to.Merge(d)
	return nil
}

func read(h *dto.Histogram, native bool) *buckets {
	b := &buckets{count: h.GetSampleCount(), sum: h.GetSampleSum(), schema: h.GetSchema(), zero: h.GetZeroCount()}
	if native {
		b.negative, b.positive = spans(h.GetNegativeSpan(), h.GetNegativeDelta()), spans(h.GetPositiveSpan(), h.GetPositiveDelta())
		return b
	}
	b.positive = map[int32]int64{}
	var below uint64
	for i, bucket := range h.GetBucket() {
		b.positive[int32(i)] = int64(bucket.GetCumulativeCount() - below)
		below = bucket.GetCumulativeCount()
	}
	b.positive[int32(len(h.GetBucket()))] += int64(b.count - below)
	return b
}

// spans are the counts of a native histogram's buckets: runs of consecutive ones, each run so far
// from the end of the one before, each count so much more than the one before.
//
// https://prometheus.io/docs/specs/native_histograms/
func spans(runs []*dto.BucketSpan, deltas []int64) map[int32]int64 {
	counts := map[int32]int64{}
	var bucket int32
	var n int64
	for _, run := range runs {
		bucket += run.GetOffset()
		for range run.GetLength() {
			if len(deltas) == 0 {
				return counts
			}
			n += deltas[0]
			deltas = deltas[1:]
			counts[bucket] = n
			bucket++
		}
	}
	return counts
}

// coarser are the counts as they would be with buckets merged by twos, so many times: a native
// histogram with too many buckets does so.
func coarser(counts map[int32]int64, times int32) map[int32]int64 {
	for range times {
		merged := map[int32]int64{}
		for i, n := range counts {
			merged[(i+1)>>1] += n // bucket i ends at base^i, and so does its pair if i is even
		}
		counts = merged
	}
	return counts
}

func difference(now, last map[int32]int64) map[int32]int64 {
	d := map[int32]int64{}
	for i, n := range now {
		d[i] = n - last[i]
	}
	return d
}

// middle is the middle, by ratio, of bucket i, which ends at 2^(i·2^-schema).
func middle(i, schema int32) float64 {
	return math.Exp2((float64(i) - 0.5) * math.Exp2(-float64(schema)))
}

// between is the middle of fixed bucket i. What is beyond the last bound is taken for that.
func between(bounds []*dto.Bucket, i int) float64 {
	lower := 0.0
	if i > 0 {
		lower = bounds[i-1].GetUpperBound()
	}
	if i >= len(bounds) || math.IsInf(bounds[i].GetUpperBound(), 1) {
		return lower
	}
	upper := bounds[i].GetUpperBound()
	if i == 0 && upper <= 0 {
		return upper
	}
	return (lower + upper) / 2
}
