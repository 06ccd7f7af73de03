package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A request that finds more environments about to be ready than there are requests waits for one, and
// no longer than it may. Nothing goes on here but by the test's files: environments answer, and finish,
// when it lets them.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		finishing int
		patience  time.Duration
		waits     bool
	}{
		{2, time.Hour, true},
		{3, time.Hour, true},
		{2, 0, false},
		{2, 20 * time.Millisecond, false},
		{1, time.Hour, false}, // not more than requests are in flight
	} {
		t.Run(fmt.Sprintf("%d finish, patience %v", c.finishing, c.patience), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			answer, finish := filepath.Join(dir, "answer"), filepath.Join(dir, "finish")
			let := func(file string) {
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Error(err)
				}
			}
			s := open(t, Config{})
			create(t, s, hello(t, func(in *FunctionInput) {
				in.Environment = map[string]string{"EXTENSION": "0s", "EXTENSION_UNTIL": finish}
			}))
			defer let(finish)
			f, err := s.lookup("hello")
			if err != nil {
				t.Fatal(err)
			}
			var first sync.WaitGroup
			for range c.finishing {
				first.Go(func() { call(t, s, `{"do":"wait","text":"`+answer+`"}`) })
			}
			eventually(t, "busy environments", func() bool { return stats(t, s, "hello").Busy == c.finishing })
			let(answer)
			first.Wait()
			eventually(t, "environments that finish", func() bool { return int(f.finishing.Load()) == c.finishing })
			f.mu.Lock()
			if f.patience <= 0 || f.patience > maxPatience {
				t.Errorf("the patience is %v after a start", f.patience)
			}
			f.patience = c.patience
			f.mu.Unlock()

			answered := make(chan struct{})
			first.Go(func() {
				defer close(answered)
				call(t, s, `{}`)
			})
			if c.waits {
				eventually(t, "a request that waits", func() bool {
					f.mu.Lock()
					defer f.mu.Unlock()
					return len(f.waiters) == 1
				})
				let(finish)
			}
			<-answered // before anything has finished, unless it waits
			want := int64(c.finishing)
			if !c.waits {
				want++
			}
			if got := stats(t, s, "hello").Started; got != want {
				t.Errorf("%d environments, want %d", got, want)
			}
			let(finish)
			first.Wait()
			settled(t, s, "hello")
			if n := f.finishing.Load(); n != 0 {
				t.Errorf("%d environments finish", n)
			}
		})
	}
}
