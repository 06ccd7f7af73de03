package metrics

import (
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/line"
)

// Counter counts upwards. It costs one atomic addition and may be used by any number of
// goroutines. A flush in which it changed publishes count, what was added since the batch
// before, and total, since the process started: add up the counts.
type Counter struct {
	total atomic.Int64
	cut   int64 // total when the last batch was cut; the publisher's own
}

// Inc adds one.
func (c *Counter) Inc() { c.total.Add(1) }

// Add adds n. A counter never goes down: a negative n is a programmer's mistake and panics.
func (c *Counter) Add(n int64) {
	if n < 0 {
		panic("metrics: a counter only goes up; use a gauge for what goes down")
	}
	c.total.Add(n)
}

// Total is what was added since the process started.
func (c *Counter) Total() int64 { return c.total.Load() }

func (c *Counter) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	total := c.total.Load()
	if total == c.cut {
		return dst, nil
	}
	count := total - c.cut
	c.cut = total
	return s.Append(dst, t, line.Int("count", count), line.Int("total", total))
}
