package metrics

import (
	"math/rand/v2"
	"time"
)

const (
	shortestBackoff = time.Second
	longestBackoff  = 30 * time.Second
)

// A backoff keeps a dead store from costing every invocation a timeout: after each failure in a
// row it waits twice as long, from 1 to 30 s, less a random half of it at most, so that
// environments that failed together do not come back together.
type backoff struct {
	failures int
	failed   moment
	wait     time.Duration
}

func (b *backoff) fail(now moment) {
	// Six doublings are past the longest; the count stops there and cannot overflow.
	b.failures = min(b.failures+1, 6)
	longest := min(shortestBackoff<<(b.failures-1), longestBackoff)
	b.wait = max(shortestBackoff, longest-rand.N(longest/2))
	b.failed = now
}

func (b *backoff) succeed() { *b = backoff{} }

func (b *backoff) waiting(now moment) bool {
	return b.failures > 0 && now.since(b.failed) < b.wait
}
