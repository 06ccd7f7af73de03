package lambda

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func sleepABit() { time.Sleep(20 * time.Millisecond) }

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		r := &recorder{}
		s := open(t, Config{Events: r.add, bare: bare})
		create(t, s, hello(t, func(in *FunctionInput) { in.MemorySize = 128 }))
		pid := pidOf(t, call(t, s, `{}`))
		settled(t, s, "hello")
		call(t, s, `{"do":"allocate","bytes":60000000,"status":200}`) // may be had
		settled(t, s, "hello")
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"allocate","bytes":300000000,"status":15000}`), LogTail: true})
		if err != nil || out.FunctionError != "Unhandled" {
			t.Fatalf("%v %s", err, out.Payload)
		}
		want := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + out.RequestID + ` Error: Runtime exited with error: signal: killed"}`
		if string(out.Payload) != want {
			t.Errorf("%s\nwant %s", out.Payload, want)
		}
		tail := string(out.LogTail)
		for _, text := range []string{
			"RequestId: " + out.RequestID + " Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n",
			"Memory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory\tMemory Limit: " + heldHere(s) + "\t\n",
		} {
			if !strings.Contains(tail, text) {
				t.Errorf("%q is not in the log:\n%s", text, tail)
			}
		}
		if next := pidOf(t, call(t, s, `{}`)); next == pid {
			t.Error("the process lives on")
		}
	}
}

// heldHere is how the environments of s are held to their memory on this machine.
func heldHere(s *Service) string {
	switch c := s.spawner.cgroups; {
	case c != nil && c.memory:
		return heldByCgroup
	case s.spawner.older.limitsMemory():
		return heldByCgroup1
	case canWatch:
		return heldByWarden
	}
	return heldByNobody
}

// TestMemoryOfChildren: what a function's children take counts, also of one that has left its process
// group, and the whole environment ends with them.
func TestMemoryOfChildren(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		r := &recorder{}
		s := open(t, Config{Events: r.add, bare: bare})
		if heldHere(s) == heldByNobody {
			t.Skip("nothing here can tell what a child of a function takes")
		}
		create(t, s, hello(t))
		pid := pidOf(t, call(t, s, `{}`))
		settled(t, s, "hello")
		event := `{"do":"sh","text":"setsid sh -c 'x=$(head -c 90000000 /dev/zero | tr \\\\0 x); y=$x$x; sleep 15' & wait; sleep 15"}`
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(event), LogTail: true})
		if err != nil || !strings.Contains(string(out.Payload), "signal: killed") {
			t.Fatalf("bare %v: %v %s", bare, err, out.Payload)
		}
		if !strings.Contains(string(out.LogTail), "Error Type: Runtime.OutOfMemory\tMemory Limit: "+heldHere(s)) {
			t.Errorf("bare %v:\n%s", bare, out.LogTail)
		}
		if next := pidOf(t, call(t, s, `{}`)); next == pid {
			t.Error("the process lives on")
		}
	}
}

// TestProcessLimit lets a function start more threads and processes than Lambda allows. Where the system
// limits them, the function is told so and goes on; where it does not, the environment ends.
func TestProcessLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a thousand processes")
	}
	for _, bare := range []bool{false, true} {
		r := &recorder{}
		s := open(t, Config{Events: r.add, bare: bare})
		if !bare && !s.spawner.isolation().ProcessLimit || !canWatch {
			t.Log("no control group with the pids controller can be made here: run the tests as root, where /sys/fs/cgroup is writable")
			continue
		}
		create(t, s, hello(t, func(in *FunctionInput) { in.MemorySize = 3008 }))
		pid := pidOf(t, call(t, s, `{}`))
		settled(t, s, "hello")
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"children","status":1100}`)})
		if err != nil {
			t.Fatal(err)
		}
		if bare {
			if !strings.Contains(string(out.Payload), "signal: killed") {
				t.Errorf("%s", out.Payload)
			}
			if all := join(r.lines()); !strings.Contains(all, "processes and threads, and on Lambda it may have 1024") {
				t.Errorf("log:\n%s", all)
			}
			if next := pidOf(t, call(t, s, `{}`)); next == pid {
				t.Error("the process lives on")
			}
			continue
		}
		var answer struct {
			Started int
			Error   string
		}
		if err := json.Unmarshal(out.Payload, &answer); err != nil || answer.Started < 900 || answer.Started >= 1024 ||
			!strings.Contains(answer.Error, "resource temporarily unavailable") {
			t.Errorf("%s (%v)", out.Payload, err)
		}
		settled(t, s, "hello")
		if next := pidOf(t, call(t, s, `{}`)); next != pid {
			t.Error("the environment has ended")
		}
	}
}

// TestMemoryOfAProcessThatExits: the system counts for it what this process had when it forked.
func TestMemoryOfAProcessThatExits(t *testing.T) {
	t.Parallel()
	ballast := make([]byte, 200<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	s := open(t, Config{})
	create(t, s, hello(t))
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"exit","status":1}`), LogTail: true})
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`Max Memory Used: (\d+) MB`).FindStringSubmatch(string(out.LogTail))
	if used == nil {
		t.Fatalf("no report: %s", out.LogTail)
	}
	if mb, err := strconv.Atoi(used[1]); err != nil || mb == 0 || mb > 100 {
		t.Errorf("a small function has used %s MB, and this process %d", used[1], len(ballast)>>20)
	}
}
