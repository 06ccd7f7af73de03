package lambda

// places is by how many the environment's places in the pool are too few, which are then counted as
// offered, or, if negative, too many. There is one for each request for an event that waits, and
// never so many that they and the invocations under way would be more than the function allows,
// whatever number of requests its runtime has open.
func (e *environment) places() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.managed
	if e.phase != idle {
		return 0
	}
	n := min(len(m.polls), max(0, m.limit-len(m.invocations))) - m.offered
	if n > 0 {
		m.offered += n
	}
	return n
}

// offer brings the places in the pool of an environment of Managed Instances up to date. It is
// called, without locks, after everything that changes their number.
func (e *environment) offer() {
	for {
		n := e.places()
		for range n {
			e.function.put(e)
		}
		if n >= 0 || !e.function.withdraw(e, -n) {
			return
		}
		// Places that another call of offer has withdrawn in the meantime may now be missing.
	}
}

// displaced is told that n places have left the pool without an invocation. The caller may hold
// the function's mutex.
func (e *environment) displaced(n int) {
	if e.managed == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.managed.offered -= n
}

// withdraw takes up to n places of e out of the pool, and reports whether there was one.
func (f *function) withdraw(e *environment, n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept, out := f.idle[:0], 0
	for _, other := range f.idle {
		if other == e && out < n {
			out++
		} else {
			kept = append(kept, other)
		}
	}
	clear(f.idle[len(kept):])
	f.idle = kept
	e.displaced(out)
	return out > 0
}
