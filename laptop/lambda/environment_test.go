package lambda

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// withExtension gives the test function an internal extension that works for d.
func withExtension(d string) func(*FunctionInput) {
	return func(in *FunctionInput) { in.Environment = map[string]string{"EXTENSION": d} }
}

func TestCallerDoesNotWaitForExtensions(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, withExtension("400ms")))
	first := pidOf(t, call(t, s, `{}`))
	if got := stats(t, s, "hello").Busy; got != 1 {
		t.Fatalf("%d busy: the answer has waited for the extension", got)
	}
	if second := pidOf(t, call(t, s, `{}`)); second == first {
		// The init of another takes milliseconds; 400 ms may still pass on a machine that stands still.
		t.Logf("the second request waited for the first environment")
	}
	eventually(t, "idle environments", func() bool { return stats(t, s, "hello").Busy == 0 })
	for _, e := range eventsOf[InvocationDone](r) {
		if e.Duration < 400*time.Millisecond {
			t.Errorf("duration %v: the extension's 400 ms are not in it", e.Duration)
		}
	}
}

func TestExtensionThatOverruns(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, withExtension("1h"), func(in *FunctionInput) { in.Timeout = time.Second }))
	pid := pidOf(t, call(t, s, `{}`)) // the caller has its answer
	eventually(t, "the reset", func() bool { return !alive(pid) })
	if got := stats(t, s, "hello"); got.Timeouts != 1 || got.Errors != 0 || got.Invocations != 1 {
		t.Errorf("counted %+v", got)
	}
}

func TestReap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{IdleTimeout: 30 * time.Millisecond})
	for _, extension := range []string{"", "0s"} {
		marker := filepath.Join(dir, "sigterm"+extension)
		create(t, s, hello(t, func(in *FunctionInput) {
			in.Name += extension
			in.Environment = map[string]string{"EXTENSION": extension, "SIGTERM_FILE": marker}
		}))
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello" + extension})
		if err != nil {
			t.Fatal(err)
		}
		pid := pidOf(t, out.Payload)
		eventually(t, "the end of the idle process", func() bool { return !alive(pid) })
		if got := stats(t, s, "hello"+extension); got.Running != 0 {
			t.Errorf("%d running", got.Running)
		}
		_, err = os.Stat(marker)
		if told := err == nil; told != (extension != "") {
			t.Errorf("extension %q: SIGTERM seen: %v", extension, told)
		}
	}
}

func TestLateFreezeDoesNotStopABusyProcess(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	call(t, s, `{}`)
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "an idle environment", func() bool { return stats(t, s, "hello").Busy == 0 })
	inv := newInvocation(InvokeInput{Payload: []byte(`{"ms":50}`)}, "arn", func() {})
	e, err := f.take(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	late := e.rest()
	f.mu.Unlock()
	if !e.begin(inv) {
		t.Fatal("the environment has ended")
	}
	e.freeze(late)
	e.mu.Lock()
	frozen := e.frozen
	e.mu.Unlock()
	if frozen {
		t.Error("a process was frozen that had been given an event since")
	}
	if out, err := inv.wait(t.Context()); err != nil || out.FunctionError != "" {
		t.Errorf("%v %s", err, out.Payload)
	}
}

// TestKilledAtRandom kills environments while requests flow: each request gets an answer, and
// what is counted is what was answered.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, withExtension("0s")))
	const callers, each = 8, 60
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok, failed := int64(0), int64(0)
	for range callers {
		wg.Go(func() {
			for range each {
				out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
				mu.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case out.FunctionError == "":
					ok++
				case strings.Contains(string(out.Payload), "Runtime.ExitError"):
					failed++
				default:
					t.Errorf("%s", out.Payload)
				}
				mu.Unlock()
			}
		})
	}
	stop := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
			}
			if started := eventsOf[EnvironmentStarted](r); len(started) > 0 {
				pid := started[i%len(started)].PID
				stopped := slices.ContainsFunc(eventsOf[EnvironmentStopped](r), func(e EnvironmentStopped) bool { return e.Stream == started[i%len(started)].Stream })
				if !stopped {
					_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
				}
			}
		}
	})
	wg.Wait()
	close(stop)
	killer.Wait()
	if ok+failed != callers*each {
		t.Errorf("%d answers to %d requests", ok+failed, callers*each)
	}
	got := stats(t, s, "hello")
	if got.Invocations+got.InitErrors != callers*each || got.Errors+got.InitErrors != failed {
		t.Errorf("counted %+v; %d succeeded, %d failed", got, ok, failed)
	}
}

func TestGrandchildrenEndWithTheEnvironment(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	var child int
	if err := json.Unmarshal(call(t, s, `{"do":"child"}`), &child); err != nil {
		t.Fatal(err)
	}
	if !alive(child) {
		t.Fatal("there is no child")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the child", func() bool { return processGone(child) })
}

func TestGrandchildrenEndWithAnEnvironmentThatExits(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	var child int
	if err := json.Unmarshal(call(t, s, `{"do":"child"}`), &child); err != nil {
		t.Fatal(err)
	}
	settled(t, s, "hello")
	if out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"exit"}`)}); err != nil || out.FunctionError == "" {
		t.Fatalf("%v %s", err, out.Payload)
	}
	eventually(t, "the end of the child", func() bool { return processGone(child) })
}
