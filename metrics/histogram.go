package metrics

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/line"
)

// Histogram keeps the distribution of what it observes. It may be used by any number of
// goroutines. A flush in which it changed publishes, of what was observed since the batch
// before, count, sum, min, max, the percentiles p50, p90 and p99, and the buckets that are not
// empty, b_000 to b_159.
//
// All histograms share one grid, from 0.01 to 46,415 (see Bounds): what lies outside is counted
// in the nearest bucket, and field clamped, there only then, says how many that were. Choose the
// unit accordingly: milliseconds, not seconds; kilobytes, not bytes. Percentiles err by 5 % at
// most within the grid; count, sum, min and max are exact. (Of what another goroutine observes in
// the very moment of the cut, sum, min and max may stand in the point before its bucket's; nothing
// is lost or counted twice.) Percentiles cannot be added up or averaged, buckets can: add them up
// and ask Quantile.
type Histogram struct {
	buckets [Buckets]atomic.Int64
	clamped atomic.Int64
	sum     atomicFloat
	// What is left here is min and max since the last cut, inverted as a gauge's bits are, 0 for
	// none.
	min, max atomic.Uint64

	cut        [Buckets]int64 // the buckets when the last batch was cut; the publisher's own
	cutClamped int64
}

type atomicFloat struct{ bits atomic.Uint64 }

func (f *atomicFloat) add(v float64) {
	for {
		old := f.bits.Load()
		if f.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

func (f *atomicFloat) load() float64 { return math.Float64frombits(f.bits.Load()) }

// Observe adds one observation. NaN and infinities are ignored: no store holds them.
func (h *Histogram) Observe(v float64) {
	i, clamped := theGrid.bucket(v)
	if clamped {
		if !finite(v) {
			return
		}
		h.clamped.Add(1)
	}
	// The bucket comes last: a cut reads it first and so finds with every observation that it
	// counts the sum, least and greatest too.
	h.sum.add(v)
	if low := h.min.Load(); low == 0 || v < gaugeValue(low) {
		keep(&h.min, v, func(old float64) bool { return v < old })
	}
	if high := h.max.Load(); high == 0 || v > gaugeValue(high) {
		keep(&h.max, v, func(old float64) bool { return v > old })
	}
	h.buckets[i].Add(1)
}

// ObserveSince observes the milliseconds that have gone by since start.
func (h *Histogram) ObserveSince(start time.Time) {
	h.Observe(float64(time.Since(start)) / float64(time.Millisecond))
}

func keep(p *atomic.Uint64, v float64, better func(float64) bool) {
	for {
		old := p.Load()
		if old != 0 && !better(gaugeValue(old)) || p.CompareAndSwap(old, ^math.Float64bits(v)) {
			return
		}
	}
}

func (h *Histogram) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	var delta [Buckets]int64
	var count int64
	for i := range h.buckets {
		now := h.buckets[i].Load()
		delta[i] = now - h.cut[i]
		count += delta[i]
		h.cut[i] = now
	}
	if count == 0 {
		return dst, nil
	}
	return h.appendDelta(dst, s, t, &delta, count)
}

func (h *Histogram) appendDelta(dst []byte, s line.Series, t time.Time, delta *[Buckets]int64, count int64) ([]byte, error) {
	var fields [Buckets + 8]line.Field
	// In the order of their names, which is the cheapest to check.
	f := fields[:0]
	first, last := -1, 0
	for i, n := range delta {
		if n == 0 {
			continue
		}
		f = append(f, line.Int(bucketNames[i], n))
		if first < 0 {
			first = i
		}
		last = i
	}
	if now := h.clamped.Load(); now != h.cutClamped {
		f = append(f, line.Int("clamped", now-h.cutClamped))
		h.cutClamped = now
	}
	// What was observed during the cut before may have left its least and greatest there while its
	// bucket stands here: then the bucket's bounds must do.
	least, _ := Bounds(first)
	if bits := h.min.Swap(0); bits != 0 {
		least = gaugeValue(bits)
	}
	_, greatest := Bounds(last)
	if bits := h.max.Swap(0); bits != 0 {
		greatest = gaugeValue(bits)
	}
	sum := math.Float64frombits(h.sum.bits.Swap(0))
	if !finite(sum) {
		sum = math.Copysign(math.MaxFloat64, sum)
	}
	at := func(q float64) float64 { return min(max(quantile(q, delta, count), least), greatest) }
	f = append(f,
		line.Int("count", count), line.Float("max", greatest), line.Float("min", least),
		line.Float("p50", at(0.5)), line.Float("p90", at(0.9)), line.Float("p99", at(0.99)), line.Float("sum", sum))
	return s.Append(dst, t, f...)
}

// bucketNames share one string, which keeps the process's init short.
var bucketNames = func() (names [Buckets]string) {
	var all []byte
	for i := range names {
		all = append(all, 'b', '_', '0'+byte(i/100), '0'+byte(i/10%10), '0'+byte(i%10))
	}
	text := string(all)
	for i := range names {
		names[i] = text[5*i : 5*i+5]
	}
	return names
}()
