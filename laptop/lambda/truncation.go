package lambda

import "time"

// How long one thing may be noticed after another that follows it.
const (
	exitGrace  = 100 * time.Millisecond // the exit of a process after the end of its connection
	breakGrace = 2 * time.Second        // the end of a connection after the next request of the process
)

// truncation is what an answer that has lost its connection, and the runtime's next, which may come before that
// is noticed, know of each other. The process may have died over its answer: then its exit is what the caller is
// told. By asking for its next event it shows that it lives, and that next waits until the caller has been told of
// the answer. One that comes while the answer is still on its way is refused. The environment's mutex guards it.
type truncation struct {
	asked    chan struct{} // closed by the runtime's next
	answered chan struct{} // closed when the caller has its answer
	cut      bool          // the answer has no end
}

func (inv *invocation) truncation() *truncation {
	if inv.cut == nil {
		inv.cut = &truncation{asked: make(chan struct{}), answered: make(chan struct{})}
	}
	return inv.cut
}

// truncates is for the runtime's next: it says that the answer which it overtakes has no end, when the
// caller has been told so. The caller holds e.mu, and has it again afterwards.
func (e *environment) truncates(inv *invocation) bool {
	t := inv.truncation()
	select {
	case <-t.asked: // by another next
	default:
		close(t.asked)
	}
	patience := time.After(breakGrace)
	for {
		e.mu.Unlock()
		select {
		case <-t.answered:
			e.mu.Lock()
			return t.cut
		case <-e.gone: // nothing is refused any more
			e.mu.Lock()
			return true
		case <-patience:
		}
		e.mu.Lock()
		if !t.cut {
			return false
		}
		patience = nil // the caller is about to be told
	}
}

// outlives is for an answer that has no end: it says that the process has not died over it.
func (e *environment) outlives(inv *invocation) bool {
	e.mu.Lock()
	t := inv.truncation()
	t.cut = true
	e.mu.Unlock()
	select {
	case <-t.asked:
	case <-e.gone:
		return false
	case <-time.After(exitGrace):
	}
	return true
}
