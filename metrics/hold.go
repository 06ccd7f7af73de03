package metrics

// A hold is where handler and extension meet. Lambda sends every invocation to both, in no
// particular order, and the extension must not ask for its next event before the batch of the
// invocation is written:
//
//	runtime    next ─→ handler ─→ response ─→ out ─────────────────────→ next
//	extension  next ─→ event ─────── waits ────┴─→ flush ─→ next
//
// A handler may be out before the event has arrived; out then leaves word. And an event may
// come without a handler ever running, when the runtime refuses the invocation itself: then the
// wait ends after a time, and should the handler run after all, it publishes by itself. The
// publisher's lock guards a hold.
type hold struct {
	listening bool // the extension receives events
	waiting   bool // the extension has an event whose invocation is not out
	begun     bool // a handler runs
	left      bool // an invocation was out before its event came
	gaveUp    bool // an event came, and no handler began
	wake      chan struct{}
	outs      chan struct{} // has a token when an invocation was out before its event came
}

func newHold() hold {
	return hold{wake: make(chan struct{}, 1), outs: make(chan struct{}, 1)}
}

// expect makes ready for the next token of outs, and returns whether there is no need to wait for it.
func (h *hold) expect() (out bool) {
	select {
	case <-h.outs:
	default:
	}
	return h.left
}

// begin says that a handler begins, and returns whether its event has been given up before.
func (h *hold) begin() (orphan bool) {
	orphan, h.gaveUp = h.gaveUp, false
	h.begun = true
	return orphan
}

// out says that a response is out, and returns whether nobody but the caller will publish.
func (h *hold) out(orphan bool) (alone bool) {
	h.begun = false
	switch {
	case h.waiting:
		h.waiting = false
		h.wake <- struct{}{} // has room: there is one token for each wait
	case h.listening && !orphan:
		h.left = true
		select {
		case h.outs <- struct{}{}:
		default: // nobody has waited for the one before
		}
	default:
		return true
	}
	return false
}

// event says that an event has come, and returns whether its invocation is still to come out.
func (h *hold) event() (wait bool) {
	if h.left {
		h.left = false
		return false
	}
	h.waiting = true
	return true
}

// giveUp ends a wait if no handler runs.
func (h *hold) giveUp() bool {
	if h.begun || !h.waiting {
		return false
	}
	h.waiting, h.gaveUp = false, true
	return true
}
