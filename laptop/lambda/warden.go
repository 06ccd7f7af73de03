package lambda

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// warden looks after the limits that the system does not enforce: the memory of an environment where
// no control group limits it, and the size of its temporary folder where that is not a file system
// of its own. Whoever is over a limit is killed; see Isolation for which way is in use.
//
// Memory is what all processes of the environment have resident, pages that they share counted for
// each. Between two looks a process may take more than it may, for as long as that is.
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
			for _, a := range all {
				a.e.inspect(a.b, tmp)
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
func (e *environment) inspect(b *sandbox, tmp bool) {
	e.mu.Lock()
	p := e.process
	at := p != nil && !e.frozen && e.phase != stopping
	e.mu.Unlock()
	if !at {
		return
	}
	if !b.group.isLimited() {
		if used := p.used(); used > e.rev.cfg.MemorySize<<20 {
			e.mu.Lock()
			e.outOfMemory = true
			e.mu.Unlock()
			p.kill()
			return
		}
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

// kill ends all processes of the environment.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	p.group.kill()
}

// used is the memory that all processes of the environment have resident, in bytes. Without a
// control group it is the first process's.
func (p *process) used() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return 0
	}
	used := 0
	if p.group == nil {
		used = resident(p.pid)
	}
	p.group.processes(func(pid int) { used += resident(pid) })
	p.peak = max(p.peak, used)
	return used
}
