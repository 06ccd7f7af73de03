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
