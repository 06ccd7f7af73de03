package metrics

import (
	"context"
	"fmt"
	"time"
)

const (
	// beginTimeout is how long a handler may take to begin after its event has come, which takes
	// microseconds, until it is taken for an invocation that the runtime refused.
	beginTimeout = time.Second
	// eventDelay is how long an event may lie, where no handler begins, until it is looked at.
	eventDelay = 100 * time.Millisecond
	// eventCheck is the longest time between two looks at whether there is one.
	eventCheck = time.Second
	// patience is how often in a row the Extensions API may fail, each time after twice the pause.
	patience      = 6
	firstPatience = 10 * time.Millisecond
	exitTimeout   = time.Second
)

// listen is the extension: it lets the environment freeze when the batch of the invocation is
// written, and not before.
func (p *Publisher) listen(ext *extension) {
	failures := 0
	for p.ctx.Err() == nil {
		ev, err := ext.next(p.ctx, p.awaitLeft)
		if err != nil {
			if failures++; failures == patience {
				p.leave(ext, err)
				return
			}
			select {
			case <-time.After(firstPatience << (failures - 1)):
			case <-p.ctx.Done():
			}
			continue
		}
		failures = 0
		p.mu.Lock()
		p.thaw(p.clock.now())
		wrapped := p.wrapped
		p.mu.Unlock()
		if ev.EventType != "INVOKE" {
			continue
		}
		// Without a wrapped handler nobody knows when the response is out: then what the
		// invocations before have left is published beside this one.
		if !wrapped || p.awaitOut() {
			p.flush(flushOptions{deadline: ev.deadline()})
		}
	}
}

// leave ends the extension after err, when the invocation that runs is out and published. Without it Lambda would
// wait for the extension at the end of every invocation until the function's timeout; when it is told, it starts
// another environment instead. Where it cannot be told, every invocation publishes by itself.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html#runtimes-extensions-exit-error
func (p *Publisher) leave(ext *extension, err error) {
	if p.ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	runs := len(p.running) > 0
	p.mu.Unlock()
	if runs {
		p.awaitLeft(func() bool { return true })
		if p.ctx.Err() != nil {
			return
		}
	}
	p.flush(flushOptions{})
	p.cfg.Log(fmt.Sprintf("asking the Extensions API for an event failed %d times in a row: %v; Lambda is told that the extension ends, and starts another environment", patience, err))
	ctx, cancel := context.WithTimeout(p.ctx, exitTimeout)
	defer cancel()
	if err := ext.exit(ctx); err != nil {
		p.cfg.Log(fmt.Sprintf("telling so failed: %v; invocations publish by themselves from now on, and may last until the function's timeout", err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold.listening = false
}

// whileRunning is what there is to do now and then, once a second at last, until an invocation is out.
func (p *Publisher) whileRunning() {
	p.outUnclosed()
	p.flushLong()
}

// awaitLeft waits until an invocation is out before its event is read: the event comes at the same time as the
// handler's, and whatever is done then, if only that a thread wakes up, delays the handler. silent says that there
// is no event yet.
//
// An event that has lain for eventDelay and has no handler is one that the runtime has refused; it is read.
// One look cannot tell: after a pause in which the process stood still, the timer fires in the very
// moment in which event and handler come.
func (p *Publisher) awaitLeft(silent func() bool) {
	p.mu.Lock()
	look := !p.wrapped || p.hold.expect()
	p.mu.Unlock()
	if look {
		return
	}
	delay := eventDelay
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for lies := false; ; {
		select {
		case <-p.hold.outs:
			return
		case <-p.ctx.Done():
			return
		case <-timer.C:
		}
		p.whileRunning()
		p.mu.Lock()
		begun := p.hold.begun
		p.mu.Unlock()
		switch came := !begun && !silent(); {
		case came && lies:
			return
		case came:
			lies, delay = true, eventDelay
		default:
			lies, delay = false, min(2*delay, eventCheck)
		}
		timer.Reset(delay)
	}
}

// awaitOut waits until the response to the invocation is out, and returns whether a flush is due.
func (p *Publisher) awaitOut() bool {
	p.mu.Lock()
	wait := p.hold.event()
	p.mu.Unlock()
	begin := time.NewTimer(beginTimeout)
	defer begin.Stop()
	for wait {
		select {
		case <-p.hold.wake:
			wait = false
		case <-begin.C:
			p.whileRunning()
			p.mu.Lock()
			gaveUp := p.hold.giveUp()
			p.mu.Unlock()
			if gaveUp {
				return false
			}
			begin.Reset(eventCheck)
		case <-p.ctx.Done():
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.due()
}
