package metrics

import (
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/line"
)

// UpDownCounter counts what comes and goes, such as requests under way: unlike gauges, it adds up
// across environments. A flush in which it changed publishes count, what was added since the batch
// before and may be negative, and total, since the process started.
type UpDownCounter struct {
	total atomic.Int64
	cut   int64 // total when the last batch was cut; the publisher's own
}

// Add adds n, which may be negative.
func (c *UpDownCounter) Add(n int64) { c.total.Add(n) }

// Total is the sum of what was added since the process started.
func (c *UpDownCounter) Total() int64 { return c.total.Load() }

func (c *UpDownCounter) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	total := c.total.Load()
	if total == c.cut {
		return dst, nil
	}
	count := total - c.cut
	c.cut = total
	return s.Append(dst, t, line.Int("count", count), line.Int("total", total))
}

// FloatCounter counts upwards in fractions: seconds of processor time, or money. A flush in which
// it changed publishes count and total as a Counter does, as numbers with a fraction.
type FloatCounter struct {
	total atomicFloat
	cut   float64 // total when the last batch was cut; the publisher's own
}

// Add adds v. NaN, infinities and what would leave no number are ignored: no store holds them. A
// negative v is a programmer's mistake and panics.
func (c *FloatCounter) Add(v float64) {
	if v < 0 {
		panic("metrics: a counter only goes up; use a gauge for what goes down")
	}
	if finite(v) && finite(c.Total()+v) {
		c.total.add(v)
	}
}

// Total is what was added since the process started.
func (c *FloatCounter) Total() float64 { return c.total.load() }

func (c *FloatCounter) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	total := c.total.load()
	if total == c.cut {
		return dst, nil
	}
	count := total - c.cut
	c.cut = total
	return s.Append(dst, t, line.Float("count", count), line.Float("total", total))
}
