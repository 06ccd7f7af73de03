package metrics

import "testing"

func TestHold(t *testing.T) {
	t.Parallel()
	fresh := func() *hold { h := newHold(); h.listening = true; return &h }
	woken := func(h *hold) bool {
		select {
		case <-h.wake:
			return true
		default:
			return false
		}
	}

	h := fresh() // the event first
	if !h.event() || h.begin() || h.out(false) || !woken(h) {
		t.Errorf("event, begin, out: %+v", h)
	}

	h = fresh() // the handler is quicker than the event
	if h.begin() || h.out(false) || h.event() || woken(h) {
		t.Errorf("begin, out, event: %+v", h)
	}

	h = fresh() // the event is not looked at before the handler is out
	if h.expect() || h.begin() || h.out(false) || len(h.outs) != 1 || h.event() || h.expect() || len(h.outs) != 0 {
		t.Errorf("begin, out, event: %+v", h)
	}
	if h.begin(); h.out(false) || !h.expect() || h.event() || woken(h) {
		t.Errorf("begin, out, expect, event: %+v", h)
	}

	h = fresh() // nobody listens
	h.listening = false
	if h.begin(); !h.out(false) {
		t.Errorf("begin, out alone: %+v", h)
	}

	h = fresh() // a handler that runs is not given up
	if h.event(); h.begin() || h.giveUp() || h.out(false) || !woken(h) {
		t.Errorf("event, begin, no giving up, out: %+v", h)
	}

	h = fresh() // one that comes too late publishes by itself, and the next is as always
	if !h.event() || !h.giveUp() || !h.begin() || !h.out(true) {
		t.Errorf("event, given up, begin, out: %+v", h)
	}
	if !h.event() || h.begin() || h.out(false) || !woken(h) {
		t.Errorf("and the next: %+v", h)
	}
}
