package load

import (
	"context"
	"time"
)

// near is how long before its end a sleep is left to the finer clock, which hears of no context.
const near = 3 * time.Millisecond

// sleepUntil waits for a moment and reports whether ctx has not ended before.
func (g *generator) sleepUntil(ctx context.Context, t time.Time) bool {
	for {
		left := time.Until(t)
		switch {
		case left <= 0:
			return ctx.Err() == nil
		case left <= near:
			g.nap(left)
			continue
		}
		timer := time.NewTimer(left - near)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}
