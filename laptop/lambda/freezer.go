package lambda

import (
	"sync"
	"syscall"
	"time"
)

// freezeDelay is how long an environment that has nothing to do is left alone before it is frozen.
// Under load the next event comes within it, and the two signals, each of which interrupts every
// thread of the process, are spared. Lambda says that it freezes an environment which has nothing to
// do, and not how soon.
const freezeDelay = time.Millisecond

// freezer freezes idle environments, each freezeDelay after it became idle.
type freezer struct {
	mu      sync.Mutex
	queue   []idleSince // the one that waits longest first
	waiting bool        // run waits for the queue to have something
	more    chan struct{}
	done    chan struct{}
}

// idleSince is an environment that was idle at that time, and in that epoch.
type idleSince struct {
	env   *environment
	epoch uint64
	at    time.Time
}

func newFreezer() *freezer {
	return &freezer{more: make(chan struct{}, 1), done: make(chan struct{})}
}

// add has e frozen, unless it is given an event before.
func (f *freezer) add(e *environment, epoch uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, idleSince{e, epoch, time.Now()})
	if f.waiting {
		f.waiting = false
		f.more <- struct{}{}
	}
}

// run freezes until close is called.
func (f *freezer) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var due []idleSince
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

// take moves what is due from the queue to due. If nothing is, it returns how long the first still
// has; zero means that there is none, and that more will tell.
func (f *freezer) take(due []idleSince) ([]idleSince, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for n < len(f.queue) && time.Since(f.queue[n].at) >= freezeDelay {
		n++
	}
	due = append(due, f.queue[:n]...)
	rest := copy(f.queue, f.queue[n:])
	clear(f.queue[rest:])
	f.queue = f.queue[:rest]
	switch {
	case n > 0:
		return due, 0
	case rest > 0:
		// It may have become due since the loop: run waits all the same, not for ever.
		return due, max(freezeDelay-time.Since(f.queue[0].at), 1)
	default:
		f.waiting = true
		return due, 0
	}
}

func (f *freezer) close() { close(f.done) }

// freeze stops the process group, unless an event has been given to it since rest.
func (e *environment) freeze(epoch uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == idle && e.epoch == epoch && !e.frozen && e.managed == nil {
		e.signal(syscall.SIGSTOP)
		e.box.group.freeze(e.leads)
		e.frozen = true
	}
}

// thaw lets the process group go on. The caller holds e.mu.
func (e *environment) thaw() {
	if e.frozen {
		e.box.group.thaw()
		e.signal(syscall.SIGCONT)
		e.frozen = false
	}
}
