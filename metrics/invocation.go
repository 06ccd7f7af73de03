package metrics

import (
	"context"
	"time"
)

// An invocation is one run of the handler, from the moment the runtime hands it over until its
// response is out:
//
//	begin ── handler ── end ── response on its way ── out
//
// The publisher's lock guards it.
type invocation struct {
	p        *Publisher
	began    moment
	deadline time.Time // zero for none
	cold     bool
	orphan   bool // its event had been given up when it began
	ended    bool
	finished bool
	record   record
	stop     func() bool     // ends the wait for the context
	ctx      context.Context // nil unless a look at it now and then is all that there is
}

// timedOut is why an invocation failed whose time was up, by Lambda's own name.
const timedOut = "Sandbox.Timedout"

func (p *Publisher) begin(ctx context.Context) *invocation {
	deadline, _ := ctx.Deadline()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.now()
	p.thaw(now)
	inv := &invocation{p: p, began: now, deadline: deadline, cold: p.cold}
	p.cold = false
	inv.orphan = p.hold.begin()
	if p.closes && p.hold.listening && !deadline.IsZero() {
		inv.ctx = ctx
	}
	p.running[inv] = struct{}{}
	return inv
}

// end says that the handler is done; reason is why it failed, "" if it did not. The response is
// still to be sent.
func (inv *invocation) end(reason string, failed bool) {
	p := inv.p
	p.mu.Lock()
	defer p.mu.Unlock()
	inv.endLocked(p.clock.now(), reason, failed)
}

func (inv *invocation) endLocked(now moment, reason string, failed bool) {
	if inv.ended {
		return
	}
	inv.ended = true
	if !failed && !inv.deadline.IsZero() && !now.wall.Before(inv.deadline) {
		reason, failed = timedOut, true // Lambda no longer takes the answer
	}
	inv.record = record{
		end:        now.wall,
		durationMS: milliseconds(now.monotonic - inv.began.monotonic),
		cold:       inv.cold,
		initMS:     inv.p.initMS,
		failed:     failed,
		reason:     reason,
	}
}

// outWith calls out when the runtime is done with the invocation, of which it tells nobody but
// its context: aws-lambda-go cancels that when response or error has been posted and before it
// asks for the next invocation.
func (inv *invocation) outWith(ctx context.Context) {
	if ctx.Done() == nil {
		inv.out()
		return
	}
	stop := context.AfterFunc(ctx, inv.out)
	inv.p.mu.Lock()
	defer inv.p.mu.Unlock()
	inv.stop = stop
}

// outClosed is out, of an invocation whose response has been closed.
func (inv *invocation) outClosed() {
	inv.p.mu.Lock()
	inv.p.closes = true
	inv.p.mu.Unlock()
	inv.out()
	inv.overdue()
}

// overdue holds the process where it is when the time of an invocation is up. Lambda is about to end the environment, and
// refuses whatever it is told of that invocation, upon which aws-lambda-go ends the process at once: before SIGTERM's
// flush, or amid it. Where there is no extension, and so no SIGTERM, this is the last flush.
func (inv *invocation) overdue() {
	p := inv.p
	if p.managed || inv.deadline.IsZero() || p.clock.now().wall.Before(inv.deadline) {
		return
	}
	p.mu.Lock()
	terminated := p.hold.listening
	p.mu.Unlock()
	if !terminated {
		ctx, cancel := context.WithTimeout(context.Background(), terminationTimeout)
		defer cancel()
		p.finish(ctx)
		return
	}
	select {
	case <-time.After(overdueTimeout):
	case <-p.ctx.Done():
	}
}

// outUnclosed calls out for the invocations that only their context still tells to be out, though the response of
// one before was closed.
func (p *Publisher) outUnclosed() {
	p.mu.Lock()
	var over []*invocation
	for inv := range p.running {
		if inv.ended && inv.ctx != nil && inv.ctx.Err() != nil {
			over = append(over, inv)
			p.closes = false
		}
	}
	p.mu.Unlock()
	for _, inv := range over {
		inv.out()
	}
}

// out says that the response is out, or that there will be none; it may be said more than once.
// From here on nobody waits for the function but the publisher.
func (inv *invocation) out() {
	p := inv.p
	p.mu.Lock()
	if inv.finished || !inv.ended {
		p.mu.Unlock()
		return
	}
	p.finishLocked(inv)
	p.seen = p.clock.now() // a wall clock that was set while the handler ran is no freeze
	if inv.stop != nil {
		inv.stop()
	}
	inline := p.hold.out(inv.orphan) && !p.managed && p.due()
	p.mu.Unlock()
	if inline {
		p.flush(flushOptions{deadline: inv.deadline})
	}
}

// finishLocked moves an invocation that has ended to the records of the next batch.
func (p *Publisher) finishLocked(inv *invocation) {
	inv.finished = true
	delete(p.running, inv)
	inv.record.memoryMB = p.memory.megabytes()
	p.ended = append(p.ended, inv.record)
	p.sinceFlush++
	if len(p.ended) >= maxRecords {
		p.cutLocked(p.clock.now(), false)
	}
}

// maxRecords is how many invocations gather, while the store does not answer or FlushEvery says
// so, until they are made a batch and come under the bound on memory.
const maxRecords = 1000
