package lambda

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// warden looks after the limits that the system does not enforce: the memory of an environment and
// the number of its processes and threads where no control group limits them, the memory too where the
// control group's has a /tmp in it, and the size of its temporary folder where that is not a file system
// of its own. Whoever is over a limit is killed; see
// Isolation for which way is in use. Where the system kills one process for its memory, the warden
// ends the rest of the environment.
//
// It looks at those that are at work: a frozen environment changes nothing, and has left its care.
//
// Without a control group, memory is what all processes of the environment have resident, pages that they share counted for
// each. Between two looks an environment may have more than it may, for as long as that is.
type warden struct {
	wake chan struct{} // there is somebody to look after

	mu     sync.Mutex
	charge map[*environment]*sandbox
}

// The warden looks at all at least this far apart, and spends a twentieth of its time at most.
const (
	memoryEvery = 20 * time.Millisecond
	tmpEvery    = time.Second
	wardenShare = 20
)

func newWarden() *warden {
	return &warden{wake: make(chan struct{}, 1), charge: map[*environment]*sandbox{}}
}

// take looks after e until drop.
func (w *warden) take(e *environment, b *sandbox) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.charge[e] = b
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *warden) drop(e *environment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.charge, e)
}

// run looks after everybody until ctx is done.
func (w *warden) run(ctx context.Context) {
	type entry struct {
		e *environment
		b *sandbox
	}
	var all []entry
	lastTmp := time.Now()
	for {
		w.mu.Lock()
		all = all[:0]
		for e, b := range w.charge {
			all = append(all, entry{e, b})
		}
		w.mu.Unlock()
		wake, pause := w.wake, (<-chan time.Time)(nil)
		if len(all) > 0 {
			start := time.Now()
			tmp := start.Sub(lastTmp) >= tmpEvery
			if tmp {
				lastTmp = start
			}
			look := sync.OnceValue(takeCensus)
			for _, a := range all {
				a.e.inspect(a.b, tmp, look)
			}
			wake, pause = nil, time.After(max(memoryEvery, time.Since(start)*wardenShare))
		}
		clear(all)
		select {
		case <-wake:
		case <-pause:
		case <-ctx.Done():
			return
		}
	}
}

// inspect kills an environment that is at work and over a limit.
func (e *environment) inspect(b *sandbox, tmp bool, look func() census) {
	e.mu.Lock()
	p, groups := e.process, e.groups()
	at := p != nil && !e.frozen && e.phase != stopping
	e.mu.Unlock()
	if !at {
		return
	}
	held := b.memoryLimit()
	outOfMemory := held == heldByCgroup1 && b.older.outOfMemory() || p.overMemory(e.rev.cfg.MemorySize<<20)
	if canWatch && (held == heldByWarden || !b.limitsProcesses()) {
		threads, used := look().of(groups, b.processes())
		p.noteUse(used)
		outOfMemory = outOfMemory || held == heldByWarden && used > e.rev.cfg.MemorySize<<20
		if !b.limitsProcesses() && threads > maxProcesses {
			e.log.remark(fmt.Sprintf("the environment has %d processes and threads, and on Lambda it may have %d: there, the next one could not be made (EAGAIN)", threads, maxProcesses))
			p.kill()
			return
		}
	}
	if outOfMemory {
		e.endOutOfMemory(p)
		return
	}
	if !tmp {
		return
	}
	if stored := b.stored(); stored > int64(e.rev.cfg.EphemeralStorage)<<20 {
		e.log.remark(fmt.Sprintf("%s holds %d bytes, and EphemeralStorage is %d MB: on Lambda the write would have failed with \"no space left on device\"",
			b.tmp, stored, e.rev.cfg.EphemeralStorage))
		p.kill()
	}
}

// groups are the process groups that signal reaches. The caller holds e.mu.
func (e *environment) groups() (all []int) {
	if e.process != nil {
		all = append(all, e.process.pid)
	}
	for _, x := range e.extensions {
		if x.process != nil {
			all = append(all, x.process.pid)
		}
	}
	return all
}

// kill ends all processes of the environment.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone { // or the sandbox may have been closed, and its descriptors be another's
		_ = syscall.Kill(-p.pid, syscall.SIGKILL) // the group may have ended just now
		p.box.kill()
	}
}

// noteUse takes note of what all processes of the environment have resident now, in bytes.
func (p *process) noteUse(used int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.peak = max(p.peak, used)
	}
}
