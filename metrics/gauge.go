package metrics

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/line"
)

// Gauge holds a value that goes up and down. It may be used by any number of goroutines. A
// flush in which it changed publishes it as value.
type Gauge struct {
	// bits are the value's, inverted: so a new gauge's zero differs from every number that Set
	// takes and the zero Gauge works.
	bits atomic.Uint64
	cut  uint64 // bits when the last batch was cut; the publisher's own
}

// Set makes v the value. No store holds NaN or an infinity, so these are ignored.
func (g *Gauge) Set(v float64) {
	if finite(v) {
		g.bits.Store(^math.Float64bits(v))
	}
}

// Add adds v, which may be negative, to the value, which is 0 at first. It ignores what would
// not leave a number.
func (g *Gauge) Add(v float64) {
	for {
		old := g.bits.Load()
		sum := gaugeValue(old) + v
		if !finite(sum) || g.bits.CompareAndSwap(old, ^math.Float64bits(sum)) {
			return
		}
	}
}

// Value is the value: 0 before the first Set or Add.
func (g *Gauge) Value() float64 { return gaugeValue(g.bits.Load()) }

func gaugeValue(bits uint64) float64 {
	if bits == 0 {
		return 0
	}
	return math.Float64frombits(^bits)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (g *Gauge) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	bits := g.bits.Load()
	if bits == g.cut {
		return dst, nil
	}
	g.cut = bits
	return s.Append(dst, t, line.Float("value", gaugeValue(bits)))
}
