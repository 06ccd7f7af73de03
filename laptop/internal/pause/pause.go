// Package pause waits.
package pause

import (
	"context"
	"time"
)

// For waits for d, and reports false if ctx has ended meanwhile.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Bell wakes a loop before its time.
type Bell chan struct{}

// NewBell makes one.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes the loop, now or as soon as it is done.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default: // it has been told already
	}
}

// longest is how long Loop sleeps at most: the clock may be set, and a laptop may sleep.
const longest = 30 * time.Second

// Loop does what is due, until ctx ends: it calls do at once, whenever the time has passed that do has
// answered with, and when the bell rings.
func (b Bell) Loop(ctx context.Context, do func(now time.Time) (wait time.Duration)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(min(do(time.Now()), longest))
		select {
		case <-ctx.Done():
			return
		case <-b:
		case <-timer.C:
		}
	}
}
