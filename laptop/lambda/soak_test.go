package lambda

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestSoak sends many requests while environments are killed at random. None may hang, and no process
// and no descriptor may be left. EPHOR_SOAK says how many requests; 100000 take some minutes. It
// does not run beside others, whose descriptors would be counted.
func TestSoak(t *testing.T) {
	requests := int64(2000)
	if text := os.Getenv("EPHOR_SOAK"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		requests = n
	}
	before := descriptors()
	var mu sync.Mutex
	pids := map[string]int{} // of those that live, by log stream
	var all []int
	s, err := Open(Config{Dir: t.TempDir(), Events: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case EnvironmentStarted:
			pids[e.Stream] = e.PID
			all = append(all, e.PID)
		case EnvironmentStopped:
			delete(pids, e.Stream)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, hello(t, withExtension("0s")))
	var left, ok, failed, killed atomic.Int64
	left.Store(requests)
	var wg, killer sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
				switch {
				case err != nil:
					t.Error(err)
				case out.FunctionError == "":
					ok.Add(1)
				case strings.Contains(string(out.Payload), "Runtime.ExitError"):
					failed.Add(1)
				default:
					t.Errorf("%s", out.Payload)
				}
			}
		})
	}
	stop := make(chan struct{})
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(1+rand.IntN(20)) * time.Millisecond):
			}
			mu.Lock()
			for _, pid := range pids { // in no order
				_ = syscall.Kill(pid, syscall.SIGKILL) // it has not been waited for, or else just now
				killed.Add(1)
				break
			}
			mu.Unlock()
		}
	})
	wg.Wait()
	close(stop)
	killer.Wait()
	if ok.Load()+failed.Load() != requests {
		t.Errorf("%d answers to %d requests", ok.Load()+failed.Load(), requests)
	}
	if got := stats(t, s, "hello"); got.Invocations+got.InitErrors != requests {
		t.Errorf("counted %+v", got)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, pid := range all {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	eventually(t, "the end of all descriptors", func() bool { return descriptors() <= before })
	t.Logf("%d requests, %d of them failed by %d kills, in %d environments", requests, failed.Load(), killed.Load(), len(all))
}
