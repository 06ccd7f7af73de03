package metrics

import (
	"fmt"
	"time"

	"github.com/ephor-io/ephor/line"
)

// GaugeFunc is a gauge whose value a function tells, once at every flush: how long a queue is, how
// many connections are open. It is published as a Gauge is, in a flush in which it changed.
type GaugeFunc struct {
	f     func() float64
	value Gauge
}

// Value is what the function said at the last flush; 0 before the first.
func (g *GaugeFunc) Value() float64 { return g.value.Value() }

func (g *GaugeFunc) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	return g.value.appendPoint(dst, s, t)
}

// NewGaugeFunc is to Set.GaugeFunc as NewCounter is to Set.Counter.
func NewGaugeFunc(name string, f func() float64, tags ...Tag) *GaugeFunc {
	return must(defaultSet.GaugeFunc(name, f, tags...))
}

// GaugeFunc makes a gauge of which f tells the value. It is an error if there is one with the same
// name and tags: which of two functions is meant, nobody could know; and if f is nil. For the rest it is as Counter.
//
// f is called at every flush, under the terms of OnFlush. NaN and infinities are ignored: the
// value before stands.
func (s *Set) GaugeFunc(name string, f func() float64, tags ...Tag) (*GaugeFunc, error) {
	if f == nil {
		return nil, fmt.Errorf("instrument %q: its function is nil, so that nobody could tell its value", name)
	}
	fresh := false
	g, err := add(s, name, tags, func() *GaugeFunc {
		fresh = true
		return &GaugeFunc{f: f}
	})
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, alreadyThere(name)
	}
	s.onFlush(name, func() { g.value.Set(g.f()) })
	return g, nil
}
