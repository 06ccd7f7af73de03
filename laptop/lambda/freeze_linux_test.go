package lambda

import (
	"bufio"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestFreeze finds an idle environment that is not frozen, and a busy one that is.
func TestFreeze(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, withExtension("50ms")))
	pid := pidOf(t, call(t, s, `{}`))
	if state := processState(pid); state == 'T' {
		t.Error("the process is frozen while its extension works")
	}
	for range 20 {
		eventually(t, "the freeze of the idle process", func() bool { return processState(pid) == 'T' })
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := pidOf(t, call(t, s, `{"ms":30}`)); got != pid {
				t.Errorf("process %d was used, not the idle %d", got, pid)
			}
		})
		eventually(t, "a busy environment", func() bool { return stats(t, s, "hello").Busy == 1 })
		for stats(t, s, "hello").Busy == 1 {
			state := processState(pid)
			if state == 'T' && stats(t, s, "hello").Busy == 1 {
				t.Fatal("the process is frozen though it is busy")
			}
		}
		wg.Wait()
	}
}

// TestFreezeUnderLoad lets requests come at any moment around the freeze: a process that was
// stopped with an event in hand would let its request run into the timeout.
func TestFreezeUnderLoad(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, withExtension("0s")))
	var wg sync.WaitGroup
	for caller := range 6 {
		wg.Go(func() {
			for i := range 150 {
				call(t, s, `{}`)
				if i%8 == 0 { // while others are at work, the freeze comes that much later
					time.Sleep(busyFreezeDelay + time.Duration((i+caller)%10-5)*50*time.Microsecond)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "the freeze of all", func() bool {
		for _, e := range eventsOf[EnvironmentStarted](r) {
			if processState(e.PID) != 'T' {
				return false
			}
		}
		return true
	})
	if got := stats(t, s, "hello"); got.Invocations != 900 || got.Errors != 0 {
		t.Errorf("counted %+v", got)
	}
}

// TestFreezeStates looks at the states of all threads of all environments while requests come at any
// moment around the freeze. While an environment has an event, from before the look until after it,
// no thread may be stopped; once it is idle for good, all must be.
func TestFreezeStates(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, withExtension("0s")))
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	looks := map[phase]int{}
	look := func(e *environment) {
		before, epoch, pid := glance(e)
		states := threadStates(pid)
		after, later, _ := glance(e)
		if before != after || epoch != later || states == "" {
			return
		}
		looks[before]++
		if before == busy && strings.Contains(states, "T") {
			t.Errorf("the environment has an event, and its threads are in the states %s", states)
		}
	}
	environments := func() (all []*environment) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for e := range f.live {
			all = append(all, e)
		}
		return all
	}
	for round := range 8 {
		var wg sync.WaitGroup
		for caller := range 4 {
			wg.Go(func() {
				for i := range 40 {
					// 2 ms and more, so that the sampler meets busy ones; the pauses vary, so that
					// requests come before, in and after the freeze.
					call(t, s, `{"ms":`+strconv.Itoa(i%3)+`}`)
					pause := time.Duration((i*7+caller*13+round)%16) * 20 * time.Microsecond
					if i%4 == 0 { // others are at work, most probably
						pause += busyFreezeDelay - 160*time.Microsecond
					}
					time.Sleep(pause)
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			for _, e := range environments() {
				look(e)
			}
		}
		settled(t, s, "hello")
		for _, e := range environments() {
			_, _, pid := glance(e)
			eventually(t, "the freeze of every thread", func() bool { return strings.Trim(threadStates(pid), "T") == "" })
			sleepABit()
			if states := threadStates(pid); strings.Trim(states, "T") != "" {
				t.Errorf("the environment is idle, and its threads are in the states %s", states)
			}
		}
	}
	if looks[busy] < 50 {
		t.Errorf("only %d looks at busy environments: the test has seen too little", looks[busy])
	}
}

// glance is what an environment is at, and its process. Starting ones have none. It holds the lock for
// a while, so that a freeze and the next event come to wait for it together, in any order.
func glance(e *environment) (p phase, epoch uint64, pid int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process != nil {
		pid = e.process.pid
	}
	for until := time.Now().Add(100 * time.Microsecond); time.Now().Before(until); {
	}
	return e.phase, e.epoch, pid
}

// threadStates are the letters of all threads of a process, as processState has them.
func threadStates(pid int) string {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil || pid == 0 {
		return ""
	}
	states := make([]byte, 0, len(entries))
	for _, entry := range entries {
		if data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + entry.Name() + "/stat"); err == nil {
			states = append(states, data[strings.LastIndexByte(string(data), ')')+2])
		}
	}
	return string(states)
}

// TestNoFunctionOutlivesItsService kills a process that runs a Service, with one frozen and one busy
// environment, each with a child, and one with children that have left its process group. This test
// is both processes.
func TestNoFunctionOutlivesItsService(t *testing.T) {
	t.Parallel()
	if os.Getenv("EPHOR_TEST_VICTIM") != "" {
		victim(t, os.Getenv("EPHOR_TEST_BARE") != "")
		return
	}
	for _, bare := range []string{"", "bare"} {
		killVictim(t, bare)
	}
}

func killVictim(t *testing.T, bare string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoFunctionOutlivesItsService$", "-test.v")
	cmd.Env = append(os.Environ(), "EPHOR_TEST_VICTIM="+t.TempDir(), "EPHOR_TEST_BARE="+bare)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	lines := bufio.NewScanner(out)
	for len(pids) < 7 && lines.Scan() {
		if text, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "PID "); ok {
			pid, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it is gone, or the test has failed
		}
	}
	if len(pids) != 7 {
		t.Fatal("the victim did not start its environments")
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Fatalf("process %d does not run", pid)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it says that the process was killed
	for _, pid := range pids {
		eventually(t, "the end of process "+strconv.Itoa(pid), func() bool { return processGone(pid) })
	}
	own := ownHierarchies()
	for _, dir := range append(slices.Collect(maps.Values(own.older)), own.unified, filepath.Dir(own.unified)) {
		eventually(t, "the end of the control groups in "+dir, func() bool {
			left, err := filepath.Glob(filepath.Join(dir, "ephor-lambda-"+strconv.Itoa(cmd.Process.Pid)+"-*"))
			return err == nil && len(left) == 0
		})
	}
}

// victim runs until it is killed.
func victim(t *testing.T, bare bool) {
	r := &recorder{}
	s := open(t, Config{Dir: os.Getenv("EPHOR_TEST_VICTIM"), Events: r.add, bare: bare})
	create(t, s, hello(t))
	call(t, s, `{"do":"child"}`)
	settled(t, s, "hello")
	frozen := eventsOf[EnvironmentStarted](r)[0].PID
	eventually(t, "the freeze", func() bool { return processState(frozen) == 'T' })
	os.Stdout.WriteString("\nPID " + strconv.Itoa(frozen) + "\n")
	create(t, s, hello(t, func(in *FunctionInput) { in.Name, in.Timeout = "busy", 900*time.Second }))
	go s.Invoke(t.Context(), InvokeInput{Function: "busy", Payload: []byte(`{"do":"child","text":"busy"}`)})
	eventually(t, "the busy one", func() bool { return stats(t, s, "busy").Busy == 1 })
	started := eventsOf[EnvironmentStarted](r)
	os.Stdout.WriteString("PID " + strconv.Itoa(started[len(started)-1].PID) + "\n")
	for _, name := range []string{"hello", "busy"} {
		var child string
		eventually(t, "the child of "+name, func() bool {
			for _, l := range eventsOf[LogLine](r) {
				if pid, ok := strings.CutPrefix(l.Line, "child "); ok && l.Function == name {
					child = pid
				}
			}
			return child != ""
		})
		os.Stdout.WriteString("PID " + child + "\n")
	}
	for _, way := range []string{leaveGroup, leaveVariables, leaveParent} {
		os.Stdout.WriteString("PID " + shell(t, s, way) + "\n")
	}
	select {}
}
