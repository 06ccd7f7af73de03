package influx

import (
	"context"
	"errors"
	"time"
)

// The words are InfluxDB's: clients look for them.
var (
	errQueueFull = errors.New("request throttled, queue full")
	errQueueSlow = errors.New("request throttled, exceeds timeout")
)

// A gate lets a number of requests work at a time and a number wait. It is what keeps a burst from taking
// memory without bound: a request that is refused holds nothing.
type gate struct {
	admitted chan struct{} // one token for each request that works or waits
	working  chan struct{} // one for each that works
	patience time.Duration
}

func newGate(working, waiting int, patience time.Duration) *gate {
	return &gate{
		admitted: make(chan struct{}, working+waiting),
		working:  make(chan struct{}, working),
		patience: patience,
	}
}

// enter waits until the request may work and returns what ends that. It fails at once if too many wait
// already, after g.patience, and when ctx is done.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.admitted <- struct{}{}:
	default:
		return nil, errQueueFull
	}
	leave = func() { <-g.working; <-g.admitted }

	select { // without a timer, which is the ordinary case
	case g.working <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	select {
	case g.working <- struct{}{}:
		return leave, nil
	case <-timer.C:
		err = errQueueSlow
	case <-ctx.Done():
		err = ctx.Err()
	}
	<-g.admitted
	return nil, err
}
