package lambda

import (
	"sync"
	"testing"
	"time"
)

// A request that finds more environments about to be ready than there are requests waits for one, and
// no longer than it may.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		finishing int
		patience  time.Duration
		started   int64
	}{
		{2, time.Minute, 2},
		{2, 0, 3},
		{2, 20 * time.Millisecond, 3},
		{1, time.Minute, 2},
	} {
		s := open(t, Config{})
		create(t, s, hello(t, withExtension("900ms")))
		f, err := s.lookup("hello")
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range c.finishing {
			all.Go(func() { call(t, s, `{"ms":100}`) })
		}
		all.Wait()
		f.mu.Lock()
		if f.patience <= 0 || f.patience > maxPatience {
			t.Errorf("the patience is %v after a start", f.patience)
		}
		f.patience = c.patience
		finishing := int(f.finishing.Load())
		f.mu.Unlock()
		call(t, s, `{}`)
		// A machine that is slow may have let one finish before the other has answered.
		if got := stats(t, s, "hello").Started; got != c.started && finishing == c.finishing {
			t.Errorf("%d finished, the patience was %v: %d environments, want %d", c.finishing, c.patience, got, c.started)
		}
		settled(t, s, "hello")
		if n := f.finishing.Load(); n != 0 {
			t.Errorf("%d environments finish", n)
		}
	}
}
