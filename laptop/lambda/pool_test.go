package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// waiting is the payload of an invocation that lasts until path is there.
func waiting(path string) []byte { return []byte(`{"do":"wait","text":"` + path + `"}`) }

func release(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestManyAtOnce needs one environment per request, because none ends before all have begun.
func TestManyAtOnce(t *testing.T) {
	const n = 200
	bootstrapZip(t)
	before, descriptorsBefore := runtime.NumGoroutine(), descriptors()
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Timeout = 5 * time.Minute }))
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)}); err != nil || out.FunctionError != "" {
				t.Errorf("%v %s", err, out.Payload)
			}
		})
	}
	eventually(t, "an environment for each", func() bool { return stats(t, s, "hello").Busy == n })
	release(t, gate)
	wg.Wait()
	if got := stats(t, s, "hello"); got.Started != n || got.Peak != n || got.Invocations != n {
		t.Errorf("counted %+v, want %d of each", got, n)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
	eventually(t, "the closing of all descriptors", func() bool { return descriptors() <= descriptorsBefore })
}

func TestThrottles(t *testing.T) {
	t.Parallel()
	f := func(limit int, reserved *int, reason string) {
		t.Helper()
		s := open(t, Config{ConcurrencyLimit: limit})
		create(t, s, hello(t, func(in *FunctionInput) { in.ReservedConcurrency = reserved }))
		gate := filepath.Join(t.TempDir(), "go")
		var wg sync.WaitGroup
		busy := limit
		if reserved != nil {
			busy = *reserved
		}
		for range busy {
			wg.Go(func() {
				if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)}); err != nil {
					t.Error(err)
				}
			})
		}
		eventually(t, "all busy", func() bool { return stats(t, s, "hello").Busy == busy })
		_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
		if throttled, ok := errors.AsType[*Throttled](err); !ok || throttled.Reason != reason || awsproto.From(err).Code != "TooManyRequestsException" {
			t.Errorf("got %v, want %s", err, reason)
		}
		if got := stats(t, s, "hello"); got.Throttles != 1 || got.Invocations != int64(busy) {
			t.Errorf("counted %+v", got)
		}
		release(t, gate)
		wg.Wait()
		if busy > 0 {
			call(t, s, `{}`)
		}
	}
	f(2, nil, "ConcurrentInvocationLimitExceeded")
	f(1000, new(2), "ReservedFunctionConcurrentInvocationLimitExceeded")
	f(1000, new(0), "ReservedFunctionConcurrentInvocationLimitExceeded")
}

// TestOneAfterAnother: an environment that has answered is still finishing when the next request
// comes. That request waits for it where no other may be started, and is not throttled.
func TestOneAfterAnother(t *testing.T) {
	t.Parallel()
	s := open(t, Config{requestRate: 1e6})
	create(t, s, hello(t, withExtension("5ms"), func(in *FunctionInput) { in.ReservedConcurrency = new(1) }))
	for range 50 {
		call(t, s, `{}`)
	}
	if got := stats(t, s, "hello"); got.Started != 1 || got.Throttles != 0 {
		t.Errorf("counted %+v, want one environment and no throttle", got)
	}
}

// TestReservationsLeaveTheRest takes what one function reserves from all others.
func TestReservationsLeaveTheRest(t *testing.T) {
	t.Parallel()
	s := open(t, Config{ConcurrencyLimit: 110})
	create(t, s, hello(t, func(in *FunctionInput) { in.ReservedConcurrency = new(10) }))
	if got := s.unreserved.Load(); got != 100 {
		t.Errorf("%d are left of 110", got)
	}
	_, err := s.CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.Name, in.ReservedConcurrency = "more", new(1) }))
	if awsproto.From(err).Code != "InvalidParameterValueException" {
		t.Errorf("reserving what must be left: %v", err)
	}
	if err := s.DeleteFunction(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if got := s.unreserved.Load(); got != 110 {
		t.Errorf("%d are left of 110 after the deletion", got)
	}
}

// TestMostRecentlyUsedFirst keeps the others idle, so that they can be reaped.
func TestMostRecentlyUsedFirst(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _, _ = s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)}) })
	}
	eventually(t, "three busy", func() bool { return stats(t, s, "hello").Busy == 3 })
	release(t, gate)
	wg.Wait()
	var pids []int
	for range 5 {
		settled(t, s, "hello")
		pids = append(pids, pidOf(t, call(t, s, `{}`)))
	}
	if len(slices.Compact(pids)) != 1 {
		t.Errorf("requests one after another were served by %v", pids)
	}
}

// TestDeadEnvironmentIsNotIdle: one that dies when it has become ready, and before it is idle.
func TestDeadEnvironmentIsNotIdle(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	pid := pidOf(t, call(t, s, `{}`))
	settled(t, s, "hello")
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.take(t.Context(), newInvocation(InvokeInput{}, "arn", func() {}))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the environment", f.empty)
	f.put(e)
	f.mu.Lock()
	idle := len(f.idle)
	f.mu.Unlock()
	if idle != 0 {
		t.Errorf("%d idle environments, and the only one is dead", idle)
	}
}

func TestUpdateLosesNoRequest(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	input := func(version int) FunctionInput {
		return hello(t, withExtension("1ms"), func(in *FunctionInput) { in.Environment["VERSION"] = fmt.Sprint(version) })
	}
	create(t, s, input(0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					call(t, s, `{"ms":2}`)
				}
			}
		})
	}
	const updates = 10
	for version := 1; version <= updates; version++ {
		if _, err := s.UpdateFunction(t.Context(), "hello", input(version)); err != nil {
			t.Fatal(err)
		}
		if got, want := string(call(t, s, `{}`)), fmt.Sprintf(`"version":"%d"}`, version); got[len(got)-len(want):] != want {
			t.Errorf("after update %d came %s", version, got)
		}
	}
	close(stop)
	wg.Wait()
	eventually(t, "the end of the old environments", func() bool {
		return len(eventsOf[EnvironmentStarted](r))-len(eventsOf[EnvironmentStopped](r)) == stats(t, s, "hello").Running
	})
	if got := stats(t, s, "hello"); got.Errors+got.InitErrors+got.Throttles != 0 {
		t.Errorf("counted %+v", got)
	}
}

func TestRunningInvocationsEndOnTheOldCode(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	wg.Go(func() {
		if out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)}); err != nil || out.FunctionError != "" {
			t.Errorf("%v %s", err, out.Payload)
		}
	})
	eventually(t, "one busy", func() bool { return stats(t, s, "hello").Busy == 1 })
	old, err := s.Function("hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateFunctionCode(t.Context(), "hello", Code{ZipFile: script(t, "exit 1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.code.path(old.CodeSHA256)); err != nil {
		t.Errorf("the old code has gone while it runs: %v", err)
	}
	if err := s.DeleteFunction(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"}); awsproto.From(err).Code != "ResourceNotFoundException" {
		t.Errorf("invoking what is deleted: %v", err)
	}
	release(t, gate)
	wg.Wait()
	eventually(t, "the end of the old environment", func() bool { return stats(t, s, "hello").Running == 0 })
	eventually(t, "the removal of all code", func() bool { left, err := os.ReadDir(s.code.dir); return err == nil && len(left) == 0 })
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := pidOf(t, call(t, s, `{"ms":300}`)); alive(got) && !zombie(got) {
			t.Logf("process %d still ends", got)
		}
	})
	eventually(t, "one busy", func() bool { return stats(t, s, "hello").Busy == 1 })
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"}); err == nil {
		t.Error("a closed service took a request")
	}
}
