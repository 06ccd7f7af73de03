package lambda

import (
	"sync"
	"syscall"
	"time"
)

// freezeDelay is how long an environment that has nothing to do is left alone before it is frozen, and
// busyFreezeDelay how long while others of its function have. Under load the next event comes
// within it, and the two signals, each of which interrupts every thread of the process, are spared.
// Lambda says that it freezes an environment which has nothing to do, and not how soon.
const (
	freezeDelay     = time.Millisecond
	busyFreezeDelay = 20 * time.Millisecond
)

// freezer freezes idle environments, each some time after it became idle.
type freezer struct {
	mu      sync.Mutex
	soon    []idleUntil // in the order in which they are due
	later   []idleUntil // likewise
	waiting bool        // run waits, and not for what is in soon
	more    chan struct{}
	done    chan struct{}
}

// idleUntil is an environment that is idle in that epoch, and is frozen if it still is at that time.
type idleUntil struct {
	env   *environment
	epoch uint64
	due   time.Time
}

func newFreezer() *freezer {
	return &freezer{more: make(chan struct{}, 1), done: make(chan struct{})}
}

// add has e frozen, unless it is given an event before.
func (f *freezer) add(e *environment, epoch uint64) {
	queue, delay := &f.soon, freezeDelay
	if e.function.counters.busy.Load() > 0 {
		queue, delay = &f.later, busyFreezeDelay
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	*queue = append(*queue, idleUntil{e, epoch, time.Now().Add(delay)})
	if f.waiting && (queue == &f.soon || len(f.later) == 1) {
		f.waiting = false
		select {
		case f.more <- struct{}{}:
		default: // run has yet to look after the one before, or has ended
		}
	}
}

// run freezes until close is called.
func (f *freezer) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var due []idleUntil
	for {
		var wait time.Duration
		due, wait = f.take(due[:0])
		for _, d := range due {
			d.env.freeze(d.epoch)
		}
		clear(due) // an environment is not kept by what is left in there
		if len(due) > 0 {
			continue
		}
		if wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case <-f.more:
		case <-f.done:
			return
		}
	}
}

// take moves what is due from the queues to due. If nothing is, it returns how long the first still
// has; zero means that there is none, and that more will tell.
func (f *freezer) take(due []idleUntil) ([]idleUntil, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	due = takeDue(due, &f.soon, now)
	due = takeDue(due, &f.later, now)
	switch {
	case len(due) > 0:
		return due, 0
	case len(f.soon) > 0:
		return due, f.soon[0].due.Sub(now)
	}
	f.waiting = true
	if len(f.later) > 0 { // nearly all of them are at work again by then: not a wake-up for each
		return due, max(f.later[0].due.Sub(now), busyFreezeDelay/4)
	}
	return due, 0
}

func takeDue(due []idleUntil, queue *[]idleUntil, now time.Time) []idleUntil {
	n := 0
	for n < len(*queue) && !(*queue)[n].due.After(now) {
		n++
	}
	due = append(due, (*queue)[:n]...)
	rest := copy(*queue, (*queue)[n:])
	clear((*queue)[rest:])
	*queue = (*queue)[:rest]
	return due
}

func (f *freezer) close() { close(f.done) }

// freeze stops the process group, unless an event has been given to it since rest.
func (e *environment) freeze(epoch uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == idle && e.epoch == epoch && !e.frozen && !e.held && e.managed == nil {
		e.signal(syscall.SIGSTOP)
		e.box.group.freeze(e.leads)
		e.frozen = true
		e.function.service.warden.drop(e)
	}
}

// thaw lets the process group go on. The caller holds e.mu.
func (e *environment) thaw() {
	if e.frozen {
		e.box.group.thaw()
		e.signal(syscall.SIGCONT)
		e.frozen = false
		e.watch()
	}
}
