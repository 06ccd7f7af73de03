package lambda

import (
	"runtime"
	"time"
)

// endAtOnce is how many idle environments are shut down at a time. Each is thawed for that, and has
// 500 ms or 2 s to send what it still holds: a hundred at once would take the processors from each
// other until none of them had that time. On AWS every environment has processors of its own.
func endAtOnce() int { return max(4, 2*runtime.NumCPU()) }

// end shuts environments down that are in no pool any more: idle ones a few at a time, the others,
// for which somebody waits or which have nothing to send, at once. It does not wait for their end;
// Close does.
func (s *Service) end(all []*environment) {
	for _, e := range all {
		if !e.isIdle() {
			e.shutdown(StopSpindown)
			continue
		}
		s.environments.Go(func() {
			s.ending <- struct{}{}
			defer func() { <-s.ending }()
			e.shutdown(StopSpindown)
			<-e.gone // it had a process, which is killed when its time is up
		})
	}
}

// killAt is Config.killAt by the machine's clock.
func killAt(end time.Time, kill func()) (keepAlive func()) {
	timer := time.AfterFunc(time.Until(end), kill)
	return func() { timer.Stop() }
}

func (e *environment) isIdle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.phase == idle
}
