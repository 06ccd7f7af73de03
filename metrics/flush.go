package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// reserve is left of an invocation's time for all else that must happen before its deadline.
const reserve = 100 * time.Millisecond

type flushOptions struct {
	deadline time.Time // of the invocation; zero for none
	// last makes the batch say that it is the final one, and tries to send it until the time is up.
	last bool
}

// flush sends what the store has not acknowledged, oldest first, then cuts a batch and sends that,
// all for as long as it may. There is one flush at a time.
func (p *Publisher) flush(o flushOptions) {
	start := p.clock.now()
	budget := p.cfg.FlushTimeout
	if !o.deadline.IsZero() {
		budget = min(budget, o.deadline.Sub(start.wall)-reserve)
	}
	if budget <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	p.flushWithin(ctx, o.last)
}

func (p *Publisher) flushWithin(ctx context.Context, last bool) {
	if ctx.Err() != nil {
		return
	}
	select {
	case p.flushing <- struct{}{}:
		defer func() { <-p.flushing }()
	case <-ctx.Done():
		return
	}
	p.mu.Lock()
	start := p.clock.now()
	if p.backoff.waiting(start) && !last {
		p.mu.Unlock()
		return
	}
	p.sinceFlush = 0
	p.mu.Unlock()

	deliver := p.send
	if last {
		deliver = p.insist
	}
	// The old before the new: the new one tells of it, and while the store fails there is no need
	// of more and more batches.
	if deliver(ctx) {
		p.updateInstruments(ctx)
		p.mu.Lock()
		told := p.stats.dropped
		p.cutLocked(p.clock.now(), last)
		p.mu.Unlock()
		if deliver(ctx) && last {
			p.confess(ctx, told)
		}
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.now()
	p.stats.flush += now.monotonic - start.monotonic
	p.seen = now
}

// confess sends a batch behind the final one if more points were given up than that told of: its own, and no
// other will tell. It is sent with nothing else that could be refused.
func (p *Publisher) confess(ctx context.Context, told int64) {
	p.mu.Lock()
	lost := p.stats.dropped > told
	if lost {
		if b, err := p.cutter.cutLast(p.clock.now(), &p.stats); err == nil {
			p.queueLocked(b, unencoded{})
		} else {
			p.dropLocked(1, err.Error())
		}
	}
	p.mu.Unlock()
	if lost {
		p.insist(ctx)
	}
}

// longEvery is how often an invocation that takes long publishes. What shows the environments alive looks at 10 seconds at a
// time, and each of these has to have a batch, also where the clock is looked at only once a second.
const longEvery = 8 * time.Second

// flushLong publishes what an invocation that takes long has measured so far, and that its environment is at work.
func (p *Publisher) flushLong() {
	var o flushOptions
	p.mu.Lock()
	due := len(p.running) > 0 && p.clock.now().since(p.seen) >= longEvery
	for inv := range p.running {
		o.deadline = inv.deadline
	}
	p.mu.Unlock()
	if due {
		p.flush(o)
	}
}

// cutLocked makes a batch of what was measured and puts it at the end of the queue.
func (p *Publisher) cutLocked(now moment, final bool) {
	b, failed := p.cutter.cut(now, p.ended, &p.stats, len(p.running) > 0, final)
	p.ended = p.ended[:0]
	if b != nil {
		p.queueLocked(b, failed)
	}
}

// queueLocked puts a batch at the end of the queue; failed are those points that it should have had besides.
func (p *Publisher) queueLocked(b *batch, failed unencoded) {
	if failed.points > 0 {
		p.dropLocked(failed.points, failed.why)
	}
	if dropped := p.queue.push(b); dropped > 0 {
		p.dropLocked(dropped, fmt.Sprintf("more than %d bytes wait for the store", p.cfg.MemoryLimit))
	}
}

// send sends batches until the time is up or the store fails, and returns whether none is left.
func (p *Publisher) send(ctx context.Context) bool {
	for delivered := 0; ; delivered++ {
		p.mu.Lock()
		b := p.queue.take()
		if b == nil {
			p.mu.Unlock()
			return true
		}
		if b.sent > 0 {
			p.stats.retries++
		}
		b.sent++
		p.mu.Unlock()

		err := p.store.write(ctx, b.body)

		p.mu.Lock()
		goOn := p.sentLocked(b, err, ctx.Err() != nil && delivered > 0)
		p.mu.Unlock()
		if !goOn {
			return false
		}
	}
}

// Between the tries of insist.
const (
	shortestPause = 10 * time.Millisecond
	longestPause  = 80 * time.Millisecond
)

// insist is send for a process that is about to end: what the store does not take now is lost, so
// it tries again until the time is up. Where there is no such time, one try must do.
func (p *Publisher) insist(ctx context.Context) bool {
	if _, bounded := ctx.Deadline(); !bounded {
		return p.send(ctx)
	}
	for pause := shortestPause; !p.send(ctx); pause = min(2*pause, longestPause) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// sentLocked takes note of what became of a batch and returns whether to send the next one.
// outOfTime says that the time was up where the store had done nothing wrong.
func (p *Publisher) sentLocked(b *batch, err error, outOfTime bool) bool {
	var refused *refusal
	var rejected *rejection
	switch {
	case err == nil:
		p.queue.done(b, true)
		p.stats.points += int64(b.points)
		p.stats.bytes += int64(len(b.body))
		p.recoveredLocked()
	case errors.As(err, &refused):
		if refused.points < 0 {
			if first, second, ok := b.split(); ok {
				p.queue.replace(b, first, second)
				p.recoveredLocked()
				return true
			}
		}
		p.queue.done(b, true)
		lost := b.points
		if refused.points >= 0 {
			lost = min(refused.points, b.points)
			p.stats.points += int64(b.points - lost)
		}
		p.dropLocked(lost, "the store refused them: "+err.Error())
		p.recoveredLocked()
	case outOfTime:
		p.queue.done(b, false)
		return false
	default:
		p.queue.done(b, false)
		p.whyWaiting = trouble(err)
		if p.backoff.failures == 0 {
			p.cfg.Log(fmt.Sprintf("the store at %s does not take the metrics: %v; they wait, and are sent again", p.store.name, p.whyWaiting))
		}
		p.backoff.fail(p.clock.now())
		if errors.As(err, &rejected) {
			p.backoff.wait = max(p.backoff.wait, rejected.after)
		}
		return false
	}
	return true
}

func (p *Publisher) recoveredLocked() {
	if p.backoff.failures > 0 {
		p.cfg.Log("the store takes the metrics again")
	}
	p.backoff.succeed()
	p.whyWaiting = nil
}

// dropLocked counts lost points. The log is told of the first ones, and then whenever there are
// twice as many.
func (p *Publisher) dropLocked(points int, why string) {
	p.stats.dropped += int64(points)
	p.whyDropped = why
	if p.stats.dropped >= 2*p.toldDropped {
		p.toldDropped = p.stats.dropped
		p.cfg.Log(fmt.Sprintf("%d points are lost so far: %s", p.stats.dropped, why))
	}
}
