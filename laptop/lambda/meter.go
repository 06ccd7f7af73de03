package lambda

import (
	"sync/atomic"
	"time"
)

// meter limits how often something is done: burst times at once, and then as often as the time
// that passes allows, continuously. It holds the moment at which all that was taken is made good;
// nothing is saved up beyond burst. The zero value is full.
//
//	    taken at once: burst            one more each second/rate
//	──┬┬┬┬┬┬┬┬┬──────────────────┬──────┬──────┬──────► time
type meter struct{ due atomic.Int64 }

// take reports whether it may be done now, a time since any fixed moment. rate is per second; where
// it or burst is not positive, never.
func (m *meter) take(now time.Duration, rate, burst float64) bool {
	if rate <= 0 || burst < 1 {
		return false
	}
	each := int64(float64(time.Second) / rate)
	slack := int64((burst - 1) * float64(each))
	for {
		due := m.due.Load()
		from := max(due, int64(now))
		if from-int64(now) > slack {
			return false
		}
		if m.due.CompareAndSwap(due, from+each) {
			return true
		}
	}
}
