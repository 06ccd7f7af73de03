package metrics

import "time"

// Clock tells the wall clock's time and, from any origin, the monotonic clock's. Lambda's freeze
// stops the second and not the first, which is how it shows.
type Clock func() (wall time.Time, monotonic time.Duration)

func systemClock() Clock {
	origin := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(origin)
	}
}

// A moment is both clocks at once.
type moment struct {
	wall      time.Time
	monotonic time.Duration
}

func (c Clock) now() moment {
	wall, monotonic := c()
	return moment{wall, monotonic}
}

// since is the time that went by between two moments, frozen or not. A wall clock that was set
// back does not shorten it below what the monotonic clock saw.
func (m moment) since(earlier moment) time.Duration {
	return max(m.wall.Sub(earlier.wall), m.monotonic-earlier.monotonic)
}

// frozenSince is how much longer it was by the wall clock than by the monotonic one.
func (m moment) frozenSince(earlier moment) time.Duration {
	return m.wall.Sub(earlier.wall) - (m.monotonic - earlier.monotonic)
}

// A freeze is told from a correction of the wall clock by its length.
const (
	shortestFreeze = 100 * time.Millisecond
	// After a freeze of that length a connection may be gone without a word: a load balancer's
	// or a server's idle timeout is no shorter. One that breaks sooner is noticed when it is used,
	// and the request repeated over a new one; a handshake after every freeze would be billed.
	staleAfter = 5 * time.Second
)
