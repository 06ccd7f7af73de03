package lambda

import (
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
			"Memory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory",
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
