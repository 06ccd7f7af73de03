package lambda

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func withVariables(variables map[string]string) func(*FunctionInput) {
	return func(in *FunctionInput) { in.Environment = variables }
}

// TestManagedInstancesLimit: a runtime with more workers than Lambda allows has no more
// invocations at once for it.
func TestManagedInstancesLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2} {
		s := open(t, Config{})
		create(t, s, hello(t, onManagedInstances(limit), withVariables(map[string]string{"WORKERS": "5"})))
		first := pidOf(t, call(t, s, `{}`))
		f, err := s.lookup("hello:" + latestPublished)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the workers", func() bool { return polls(f) == 5 })
		workers(t, s, limit)

		gate := filepath.Join(t.TempDir(), "go")
		var wg sync.WaitGroup
		var mu sync.Mutex
		pids := map[int]int{}
		for range 4 {
			wg.Go(func() {
				got := pidOf(t, call(t, s, string(waiting(gate))))
				mu.Lock()
				defer mu.Unlock()
				pids[got]++
			})
		}
		eventually(t, "four busy", func() bool { return stats(t, s, "hello").Busy == 4 })
		release(t, gate)
		wg.Wait()
		for pid, n := range pids {
			if n > limit {
				t.Errorf("process %d had %d invocations at once; the limit is %d", pid, n, limit)
			}
		}
		if pids[first] != limit {
			t.Errorf("the process that was there before has had %d invocations", pids[first])
		}
	}
}

// polls is how many requests for an event the environments of f have open.
func polls(f *function) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for e := range f.live {
		e.mu.Lock()
		n += len(e.managed.polls)
		e.mu.Unlock()
	}
	return n
}

// TestManagedInstancesPollAhead: a request for an event that was too much has its turn when the
// invocation before is answered.
func TestManagedInstancesPollAhead(t *testing.T) {
	t.Parallel()
	s := open(t, Config{ConcurrencyLimit: 3})
	create(t, s, hello(t, onManagedInstances(1), withVariables(map[string]string{"POLLS": "ahead"})))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 10 {
				if got := call(t, s, `{}`); string(got) != `"x"` {
					t.Errorf("%d invocations at once: %s", len(got)-2, got)
				}
			}
		})
	}
	wg.Wait()
	if got := stats(t, s, "hello"); got.Started > 3 {
		t.Errorf("counted %+v", got)
	}
}

// TestManagedInstancesDroppedPolls: a runtime that asks for events and goes away costs each caller
// its timeout, and nobody more.
func TestManagedInstancesDroppedPolls(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 4} {
		s := open(t, Config{})
		create(t, s, hello(t, onManagedInstances(limit), withVariables(map[string]string{"POLLS": "dropped"}),
			func(in *FunctionInput) { in.Timeout = time.Second }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ask := func() {
			out, err := s.Invoke(ctx, InvokeInput{Function: "hello"})
			if err != nil || !strings.Contains(string(out.Payload), "Task timed out after 1.00 seconds") {
				t.Errorf("limit %d: %v %s", limit, err, out.Payload)
			}
		}
		f, err := s.lookup("hello:" + latestPublished)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(ask)
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		eventually(t, "the end of what is of no use", func() bool { return stats(t, s, "hello").Busy == 0 && polls(f) == 0 })
		workers(t, s, 0) // the places are given back
		ask()
		if err := s.Close(ctx); err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}
