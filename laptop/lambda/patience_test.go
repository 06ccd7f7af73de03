package lambda

import (
	"testing"
	"time"
)

// A request that finds an environment about to be ready waits for it, and no longer than it may.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patience time.Duration
		same     bool
		started  int64
	}{
		{time.Minute, true, 1},
		{0, false, 2},
		{20 * time.Millisecond, false, 2},
	} {
		s := open(t, Config{})
		create(t, s, hello(t, withExtension("700ms")))
		first := pidOf(t, call(t, s, `{}`))
		f, err := s.lookup("hello")
		if err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		if f.patience <= 0 || f.patience > maxPatience {
			t.Errorf("the patience is %v after a start", f.patience)
		}
		f.patience = c.patience
		f.mu.Unlock()
		second := pidOf(t, call(t, s, `{}`))
		if got := stats(t, s, "hello"); (second == first) != c.same || got.Started != c.started {
			t.Errorf("with a patience of %v: the same process: %v; %+v", c.patience, second == first, got)
		}
		settled(t, s, "hello")
		if n := f.finishing.Load(); n != 0 {
			t.Errorf("%d environments finish", n)
		}
	}
}

// Where more wait than will be ready, others are started at once.
func TestPatienceIsForWhatIsToCome(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, withExtension("700ms")))
	call(t, s, `{}`)
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.patience = time.Hour
	f.mu.Unlock()
	answered := make(chan struct{})
	for range 3 {
		go func() {
			call(t, s, `{}`)
			answered <- struct{}{}
		}()
	}
	for range 3 {
		<-answered
	}
	if got := stats(t, s, "hello").Started; got != 3 {
		t.Errorf("%d environments were started", got)
	}
}
