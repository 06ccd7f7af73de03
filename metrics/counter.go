package metrics

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/ephor-io/ephor/line"
)

// Counter counts upwards. It costs one atomic addition, also while many goroutines count at once,
// and 512 bytes. A flush in which it changed publishes count, what was added since the batch
// before, and total, since the process started: add up the counts.
type Counter struct {
	// Goroutines that run at the same time mostly add to stripes of their own, each of which has a
	// cache line to itself: cores that pass one line around spend several times an addition on it.
	// The total is the stripes' sum.
	stripes [stripes]stripe
}

const stripes = 8

type stripe struct {
	n   atomic.Int64
	cut int64 // the first stripe's: total when the last batch was cut; the publisher's own
	_   [64 - 16]byte
}

// here is the stripe of the goroutine that asks. A goroutine is told from another by where its
// stack lies, which costs nothing to know; the bits above the smallest stack's size differ.
func here() uintptr {
	var onStack byte
	p := uintptr(unsafe.Pointer(&onStack))
	return (p>>11 ^ p>>14) % stripes
}

// Inc adds one.
func (c *Counter) Inc() { c.stripes[here()].n.Add(1) }

// Add adds n. A counter never goes down: a negative n is a programmer's mistake and panics.
func (c *Counter) Add(n int64) {
	if n < 0 {
		panic("metrics: a counter only goes up; use a gauge for what goes down")
	}
	c.stripes[here()].n.Add(n)
}

// Total is what was added since the process started.
func (c *Counter) Total() int64 {
	var total int64
	for i := range c.stripes {
		total += c.stripes[i].n.Load()
	}
	return total
}

func (c *Counter) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	total := c.Total()
	cut := &c.stripes[0].cut
	if total == *cut {
		return dst, nil
	}
	count := total - *cut
	*cut = total
	return s.Append(dst, t, line.Int("count", count), line.Int("total", total))
}
