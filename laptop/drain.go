package laptop

import (
	"context"
	"sync"
	"time"
)

// drains are what goes on beside its caller until it has ended, at the latest when the laptop does.
// The zero value has none.
type drains struct {
	mu      sync.Mutex
	ctx     context.Context // of all of them; nil before the first
	end     context.CancelFunc
	closed  bool
	running sync.WaitGroup
}

// maxDrain is how long one may take.
const maxDrain = 30 * time.Second

// run calls f with a context that ends with the laptop. After close it calls f with one that has
// ended, and waits.
func (d *drains) run(f func(context.Context)) {
	d.mu.Lock()
	if d.ctx == nil {
		d.ctx, d.end = context.WithCancel(context.Background())
	}
	ctx, closed := d.ctx, d.closed
	if !closed {
		d.running.Go(func() {
			within, end := context.WithTimeout(ctx, maxDrain)
			defer end()
			f(within)
		})
	}
	d.mu.Unlock()
	if closed {
		f(ctx)
	}
}

// close ends all of them and returns when they have.
func (d *drains) close(context.Context) error {
	d.mu.Lock()
	d.closed = true
	if d.ctx == nil {
		d.ctx, d.end = context.WithCancel(context.Background())
	}
	d.end()
	d.mu.Unlock()
	d.running.Wait()
	return nil
}
