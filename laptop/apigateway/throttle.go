package apigateway

import (
	"sync"
	"time"
)

// bucket is a token bucket: burst tokens at most, rate of them anew a second. Nil lets all through.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type bucket struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

// What an account has where a setting names only one of the two.
const accountRate, accountBurst = 10000.0, 5000

// newBucket is nil where neither rate nor burst is set.
func newBucket(rate *float64, burst *int) *bucket {
	if rate == nil && burst == nil {
		return nil
	}
	b := &bucket{rate: accountRate, burst: accountBurst}
	if rate != nil {
		b.rate = *rate
	}
	if burst != nil {
		b.burst = float64(*burst)
	}
	b.tokens = b.burst
	return b
}

// admit takes a token, if there is one at that moment.
func (b *bucket) admit(now time.Time) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.filled.IsZero() {
		b.tokens = min(b.burst, b.tokens+max(0, now.Sub(b.filled).Seconds())*b.rate)
	}
	if b.filled.Before(now) {
		b.filled = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
