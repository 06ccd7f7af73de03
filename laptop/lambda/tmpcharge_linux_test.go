package lambda

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// memoryUsed is what the REPORT line of a tail says, in MB.
func memoryUsed(t *testing.T, tail []byte) int {
	t.Helper()
	used := regexp.MustCompile(`Max Memory Used: (\d+) MB`).FindStringSubmatch(string(tail))
	if used == nil {
		t.Fatalf("no report: %s", tail)
	}
	mb, err := strconv.Atoi(used[1])
	if err != nil {
		t.Fatal(err)
	}
	return mb
}

// TestTmpIsNoMemory: what is in /tmp is not an environment's memory, however this machine counts that,
// and /tmp ends at its own size; memory ends at its size with a full /tmp and with an empty one.
func TestTmpIsNoMemory(t *testing.T) {
	t.Parallel()
	s := isolated(t, "a mount namespace", hasTmp, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.MemorySize = 128 }))
	run := func(event string) InvokeOutput {
		t.Helper()
		settled(t, s, "hello")
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(event), LogTail: true})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	pid := pidOf(t, run(`{}`).Payload)
	for _, text := range []string{
		"dd if=/dev/zero of=/tmp/a bs=1M count=200 && dd if=/dev/zero of=/tmp/b bs=1M count=200 && sleep 0.2",
		"for i in 1 2 3 4 5; do rm /tmp/b && dd if=/dev/zero of=/tmp/b bs=1M count=200; done",
	} {
		out := run(`{"do":"sh","text":"` + text + `"}`)
		if out.FunctionError != "" || !strings.Contains(string(out.Payload), "200+0 records out") {
			t.Fatalf("writing: %s\n%s", out.Payload, out.LogTail)
		}
		if used := memoryUsed(t, out.LogTail); used == 0 || used >= 128 {
			t.Errorf("400 MB in /tmp are %d MB of memory", used)
		}
	}
	if out := run(`{"do":"sh","text":"dd if=/dev/zero of=/tmp/c bs=1M count=200"}`); !strings.Contains(string(out.Payload), "No space left on device") {
		t.Errorf("writing more than there is: %s", out.Payload)
	}
	if out := run(`{"do":"allocate","bytes":60000000,"status":200}`); string(out.Payload) != "0" {
		t.Errorf("memory beside a full /tmp: %s", out.Payload)
	}
	if pidOf(t, run(`{}`).Payload) != pid {
		t.Error("the environment has ended")
	}
	// The first ends while a function waits, for longer than its timeout, the second when it answers at once; /tmp is full, and empty.
	for _, event := range []string{`{"do":"allocate","bytes":200000000,"status":60000}`, `{"do":"allocate","bytes":200000000}`} {
		if heldHere(s) == heldByWarden && !strings.Contains(event, "status") {
			continue // nobody looks when it answers
		}
		out := run(event)
		if !strings.Contains(string(out.Payload), "signal: killed") || !strings.Contains(string(out.LogTail), "Error Type: Runtime.OutOfMemory") || memoryUsed(t, out.LogTail) != 128 {
			t.Errorf("%s: %s\n%s", event, out.Payload, out.LogTail)
		}
	}
	// What is shared is memory as well, and no file in /tmp.
	if heldHere(s) == heldByWarden {
		return
	}
	shared := "/dev/shm/ephor-lambda-test-" + strconv.Itoa(os.Getpid())
	defer os.Remove(shared)
	out := run(`{"do":"sh","text":"dd if=/dev/zero of=` + shared + ` bs=1M count=200 && sleep 60"}`)
	if !strings.Contains(string(out.LogTail), "Runtime.OutOfMemory") {
		t.Errorf("200 MB in another tmpfs: %s\n%s", out.Payload, out.LogTail)
	}
}

// TestChargeForTmp: what version 1 and version 2 of control groups tell of, a full /tmp.
func TestChargeForTmp(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	write := func(dir, file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"1", "2"} {
		var b *sandbox
		var dir, usage, own string
		if version == "1" {
			dir, usage, own = fakeGroup(t, nil), "memory.usage_in_bytes", "cache 1\nrss "
			b = &sandbox{older: &cgroup1{memory: dir}}
		} else {
			dir, usage, own = fakeGroup(t, map[string]string{"cgroup.procs": ""}), "memory.current", "anon "
			b = &sandbox{group: openCgroup(dir)}
			b.group.limited = true
			defer b.group.remove()
		}
		write(dir, usage, strconv.Itoa(500*mb))
		if b.chargedForTmp() {
			t.Errorf("version %s: there is a charge for a /tmp that there is not", version)
		}
		b.space = &namespace{-1, -1}
		if !b.chargedForTmp() || !b.watched() || b.use(0) != -1 {
			t.Errorf("version %s: without memory.stat: %d", version, b.use(0))
		}
		write(dir, "memory.stat", own+strconv.Itoa(60*mb)+"\nfile 7\nshmem "+strconv.Itoa(40*mb)+"\n")
		if got := b.use(0); got != 100*mb || b.use(499*mb) != got || b.use(500*mb) != 0 {
			t.Errorf("version %s: %d in use", version, got)
		}
		p := &process{box: b}
		if p.overMemory(100*mb) || !p.overMemory(99*mb) || p.peak != 100*mb {
			t.Errorf("version %s: a peak of %d", version, p.peak)
		}
		if p.gone = true; p.overMemory(99 * mb) {
			t.Errorf("version %s: a process that has gone has memory", version)
		}
	}
}

// TestWardenRests: nobody looks after an environment that is frozen, and somebody does when it is at work.
func TestWardenRests(t *testing.T) {
	t.Parallel()
	s := open(t, Config{bare: true}) // so that there is something to look after
	create(t, s, hello(t))
	looked := func() int {
		s.warden.mu.Lock()
		defer s.warden.mu.Unlock()
		return len(s.warden.charge)
	}
	gate := filepath.Join(t.TempDir(), "go")
	for range 2 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			call(t, s, `{"do":"wait","text":"`+gate+`"}`)
		}()
		eventually(t, "the look", func() bool { return looked() == 1 })
		release(t, gate)
		<-done
		eventually(t, "the rest", func() bool { return looked() == 0 })
		if err := os.Remove(gate); err != nil {
			t.Fatal(err)
		}
	}
	if got := stats(t, s, "hello"); got.Started != 1 {
		t.Errorf("%+v", got)
	}
}
