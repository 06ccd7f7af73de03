package lambda

import "net/http"

// deliver gives the event to the runtime and to the extensions that want it, and lets the process go on. The caller
// holds e.mu.
//
// It answers the polls itself, so that no goroutine needs to wake before the event is there. And it does so before the
// thaw: SIGCONT wakes all threads of the process, of which one then finds the event. Were the event to come later,
// they would find nothing, go to sleep again, and one would have to be woken once more. What of an event the socket
// does not take while nobody reads, the goroutine that has waited with the poll sends.
func (e *environment) deliver(inv *invocation) {
	answered := make([]*poll, 0, 1+maxExtensions)
	e.runtimeReady = false
	if e.poll.answer(inv, writeEvent) {
		inv.state = runtimeRunning
		answered, e.poll = append(answered, e.poll), nil
	} else {
		e.work <- inv
	}
	for _, x := range e.extensions {
		if !x.invoke {
			continue
		}
		x.ready = false
		if x.poll.answer(inv, writeInvokeEvent) {
			x.state = extensionRunning
			answered, x.poll = append(answered, x.poll), nil
		} else {
			x.owed = true
			x.events <- inv
		}
	}
	e.thaw()
	for _, p := range answered {
		close(p.answered)
	}
}

// answer answers the poll with the event, or reports that it cannot. The caller holds the environment's mutex.
func (p *poll) answer(inv *invocation, write func(http.ResponseWriter, *invocation)) bool {
	if p == nil {
		return false
	}
	w, ok := p.w.(*responseWriter)
	if !ok || w.peerGone() {
		return false
	}
	write(w, inv)
	w.send()
	return true
}
