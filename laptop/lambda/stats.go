package lambda

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// FunctionStats is what the service counted of one function since it was opened. The int64s only
// ever grow, even when the function is deleted and made again.
type FunctionStats struct {
	Function string
	// Invocations counts every invocation that was given to an environment, exactly once.
	Invocations int64
	// Errors counts the invocations whose caller was answered with a function error, timeouts included.
	Errors int64
	// Timeouts counts the invocations that overran, whether before or after they had answered.
	Timeouts int64
	// Throttles counts requests that were refused for want of concurrency: no invocations.
	Throttles int64
	// InitErrors counts requests that failed because their environment did not start: no invocations.
	InitErrors int64
	// Started counts the environments that were started.
	Started int64
	// Running is the number of environments now: starting, idle or busy.
	Running int
	// Busy is the number of environments that have an invocation now.
	Busy int
	// Peak is the highest that Running has been.
	Peak int
}

type counters struct {
	invocations, errors, timeouts, throttles, initErrors, started atomic.Int64
	running, busy, peak                                           atomic.Int64
}

// Stats returns the figures of every function that was there since the service was opened,
// sorted by name.
func (s *Service) Stats() []FunctionStats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	stats := make([]FunctionStats, 0, len(s.counters))
	for name, c := range s.counters {
		stats = append(stats, FunctionStats{
			Function:    name,
			Invocations: c.invocations.Load(),
			Errors:      c.errors.Load(),
			Timeouts:    c.timeouts.Load(),
			Throttles:   c.throttles.Load(),
			InitErrors:  c.initErrors.Load(),
			Started:     c.started.Load(),
			Running:     int(c.running.Load()),
			Busy:        int(c.busy.Load()),
			Peak:        int(c.peak.Load()),
		})
	}
	slices.SortFunc(stats, func(a, b FunctionStats) int { return cmp.Compare(a.Function, b.Function) })
	return stats
}
