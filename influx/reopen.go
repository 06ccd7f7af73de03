package influx

import (
	"errors"
	"fmt"
	"time"

	"github.com/influxdata/influxdb"
	"github.com/influxdata/influxdb/coordinator"
	"github.com/influxdata/influxdb/tsdb"
)

// After a write that failed on disk, what the engine has in memory is no longer what is on disk. Its log keeps
// the first error for ever and refuses every write after it, even when the disk has space again; its index
// knows series in memory that it could not write down, and points acknowledged for those would be lost to
// queries after the next start. So the engine is opened again, which reads everything from the disk: what had
// been acknowledged, and nothing else.

// Attempts follow each other no sooner than this, doubled each time until there has been a longer pause.
const (
	firstReopenDelay = 500 * time.Millisecond
	maxReopenDelay   = time.Minute
)

// A reopener remembers when the engine may next be opened again.
type reopener struct {
	delay time.Duration
	next  time.Time
}

// due reports whether an attempt may be made now, and if so counts it.
func (r *reopener) due(now time.Time) bool {
	if now.Before(r.next) {
		return false
	}
	if now.Sub(r.next) > maxReopenDelay { // that trouble is over, this is another
		r.delay = 0
	}
	r.delay = min(max(2*r.delay, firstReopenDelay), maxReopenDelay)
	r.next = now.Add(r.delay)
	return true
}

// use returns the engine, for as long as release has not been called. Without an engine, because it could not
// be opened again, it tries once more.
func (s *Server) use() (e *engine, release func(), err error) {
	s.live.RLock()
	if s.engine != nil {
		return s.engine, s.live.RUnlock, nil
	}
	err = s.failure
	s.live.RUnlock()
	s.reopen(err)

	s.live.RLock()
	if s.engine != nil {
		return s.engine, s.live.RUnlock, nil
	}
	defer s.live.RUnlock()
	return nil, nil, s.failure
}

// isStorageFailure reports whether a write failed in a way that leaves the engine unfit: not for what was in it,
// nor for want of time.
func isStorageFailure(err error) bool {
	var partial tsdb.PartialWriteError
	switch {
	case err == nil, influxdb.IsClientError(err), errors.As(err, &partial),
		errors.Is(err, coordinator.ErrTimeout), errors.Is(err, coordinator.ErrWriteFailed):
		return false
	}
	return true
}

// reopen closes the engine and opens it again, unless it is in use or was opened again just now: then a later
// failure will come back to it.
func (s *Server) reopen(cause error) {
	if !s.live.TryLock() {
		return
	}
	defer s.live.Unlock()
	if !s.reopener.due(time.Now()) {
		return
	}
	if s.engine != nil {
		_ = s.engine.close() // its files refuse to be written, and say so once more
		s.engine = nil
	}
	e, err := openEngine(s.config)
	if err != nil {
		s.failure = fmt.Errorf("the store could not be opened again after %w: %w", cause, err)
		s.config.OnEvent(Event{Message: "could not open the store again", Path: s.config.Dir, Err: s.failure})
		return
	}
	s.engine, s.failure = e, nil
	s.config.OnEvent(Event{Message: "opened the store again after a write had failed", Path: s.config.Dir, Err: cause})
}
