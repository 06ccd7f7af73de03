package metrics

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// OnFlush has f called before the set's instruments are read for a new batch: the place to bring them up to
// date, as the adapters of other libraries do. stop, which may be called more than once, ends that; a call under
// way then goes on. A nil f is a programmer's mistake and panics.
//
// A flush first sends what has waited since earlier ones, and calls f when the store has taken all of it. So f is
// called after every invocation, when the response has gone out, every 8 seconds while one runs, and by Flush and Close; not while the store fails
// and is left alone, and not without a publisher. What has happened meanwhile f finds the next time: it had
// better look at totals.
//
// The functions of a set are called one after another, in the order of OnFlush, by one goroutine at a time unless
// one hangs. One that panics is recovered from and the log told once. One that takes longer than half of what
// time the flush has left is left to itself: the flush goes on with what is there, and the function
// is called again at the first flush after it has returned. No other function suffers from either, but for its turn in
// that one flush.
func (s *Set) OnFlush(f func()) (stop func()) {
	if f == nil {
		panic("metrics: OnFlush of a nil function")
	}
	return s.onFlush("a function given to OnFlush", f)
}

// A hook is one function that is called at every flush.
type hook struct {
	name    string
	f       func()
	running atomic.Bool
	told    atomic.Bool // that it panics
}

func (s *Set) onFlush(name string, f func()) (stop func()) {
	h := &hook{name: name, f: f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks[:len(s.hooks):len(s.hooks)], h) // what update walks stays as it is
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hooks = slices.DeleteFunc(slices.Clone(s.hooks), func(o *hook) bool { return o == h })
	}
}

// hooked says that there are functions to call.
func (s *Set) hooked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hooks) > 0
}

// update calls the functions and returns when all have returned or ctx has ended. One flush does so
// at a time.
func (s *Set) update(ctx context.Context, log func(string)) {
	s.mu.Lock()
	hooks := s.hooks
	s.mu.Unlock()
	done := make(chan struct{})
	// The goroutine ends when the function that runs returns; whoever wrote it owns that.
	go func() {
		defer close(done)
		for _, h := range hooks {
			if ctx.Err() != nil {
				return
			}
			// What an earlier flush left running is not run twice.
			if h.running.CompareAndSwap(false, true) {
				h.call(log)
			}
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (h *hook) call(log func(string)) {
	defer h.running.Store(false)
	defer func() {
		if v := recover(); v != nil && h.told.CompareAndSwap(false, true) {
			log(fmt.Sprintf("%s: %s; this is said once, and the function called again at every flush", h.name, panicText(v)))
		}
	}()
	h.f()
}

// updateInstruments calls the set's functions within half of the time that is left.
func (p *Publisher) updateInstruments(ctx context.Context) {
	if !p.cfg.Set.hooked() {
		return
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	p.cfg.Set.update(ctx, p.cfg.Log)
}
