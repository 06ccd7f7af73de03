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
	closed  bool
	running sync.WaitGroup
	ends    []context.CancelFunc
}

// maxDrain is how long one may take.
const maxDrain = 30 * time.Second

// run calls f with a context that ends with the laptop.
func (d *drains) run(f func(context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx, end := context.WithTimeout(context.Background(), maxDrain)
	if d.closed {
		end()
	}
	d.ends = append(d.ends, end)
	d.running.Go(func() {
		defer end()
		f(ctx)
	})
}

// close ends all of them and returns when they have.
func (d *drains) close(context.Context) error {
	d.mu.Lock()
	d.closed = true
	for _, end := range d.ends {
		end()
	}
	d.mu.Unlock()
	d.running.Wait()
	return nil
}
