package influx

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 1, time.Minute)
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatalf("an empty gate: %v", err)
		}
		type entry struct {
			leave func()
			err   error
		}
		second := make(chan entry)
		go func() {
			leave, err := g.enter(t.Context())
			second <- entry{leave, err}
		}()
		synctest.Wait()
		if _, err := g.enter(t.Context()); !errors.Is(err, errQueueFull) {
			t.Errorf("one works and one waits: %v, want %v", err, errQueueFull)
		}
		leave()
		e := <-second
		if e.err != nil {
			t.Fatalf("after the first has left: %v", e.err)
		}

		began := time.Now()
		if _, err := g.enter(t.Context()); !errors.Is(err, errQueueSlow) {
			t.Errorf("none leaves: %v, want %v", err, errQueueSlow)
		}
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("waited %s, want 1m", waited)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("the client is gone: %v, want %v", err, context.Canceled)
		}
		e.leave()
		if leave, err = g.enter(t.Context()); err != nil {
			t.Errorf("those who gave up still hold their places: %v", err)
		} else {
			leave()
		}
	})
}
