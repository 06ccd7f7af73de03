package lambda

import "slices"

// retry puts another environment in the place of one whose init phase has failed, with the same log
// stream, if that was the first try and a request waits for it. Whoever runs e runs it next: it is
// there before e can be found gone from the pool.
func (f *function) retry(e *environment) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	others := f.starting
	if e.rev == f.rev {
		others--
	}
	if _, ok := f.live[e]; !ok || e.retried || len(f.waiters) <= others || f.waiters[0].seq > e.rev.seq {
		return false
	}
	next := newEnvironment(f, e.rev)
	next.stream, next.retried = e.stream, true
	next.provisioned, next.initType = e.provisioned, e.initType
	delete(f.live, e)
	f.live[next] = struct{}{}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = next
	return true
}

// failedInit takes an environment that did not get through its init phase out of the pool. The
// request for which it was started, if there is one, is returned: it gets the failure.
func (f *function) failedInit(e *environment) *waiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started(e)
	if e.provisioned {
		f.provisionFailed()
	}
	var w *waiter
	if len(f.waiters) > 0 && f.waiters[0].seq <= e.rev.seq && len(f.waiters) > f.starting {
		w = f.waiters[0]
		f.waiters = slices.Delete(f.waiters, 0, 1)
	}
	f.drop(e)
	return w
}
