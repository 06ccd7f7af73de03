package lambda

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// shell runs text in the only environment of hello.
func shell(t testing.TB, s *Service, text string) string {
	t.Helper()
	settled(t, s, "hello")
	event, err := json.Marshal(map[string]string{"do": "sh", "text": text})
	if err != nil {
		t.Fatal(err)
	}
	var out string
	if err := json.Unmarshal(call(t, s, string(event)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// isolated is a service that has what f says, or the test is skipped.
func isolated(t testing.TB, what string, has func(Isolation) bool, cfg Config) *Service {
	t.Helper()
	r := &recorder{}
	next := cfg.Events
	cfg.Events = func(e Event) {
		r.add(e)
		if next != nil {
			next(e)
		}
	}
	s := open(t, cfg)
	if all := eventsOf[Isolation](r); len(all) != 1 || !has(all[0]) {
		t.Skip(what + " cannot be made here: run the tests as root, where /sys/fs/cgroup is writable")
	}
	return s
}

func hasTmp(i Isolation) bool       { return i.Tmp }
func hasProcesses(i Isolation) bool { return i.Processes }

func TestPrivateTmp(t *testing.T) {
	t.Parallel()
	// A service whose own folder is below /tmp, as it is in the tests of others.
	dir, err := os.MkdirTemp("/tmp", "ephor-lambda-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	elsewhere, err := os.MkdirTemp("/var/tmp", "ephor-lambda-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(elsewhere) })
	for _, dir := range []string{dir, t.TempDir(), elsewhere} {
		s := isolated(t, "a mount namespace", hasTmp, Config{Dir: dir})
		create(t, s, hello(t, func(in *FunctionInput) { in.EphemeralStorage = 600 }))
		create(t, s, hello(t, func(in *FunctionInput) { in.Name = "other" }))
		// Else it has the way to the code.
		if out := shell(t, s, "ls -A /tmp"); dir == elsewhere && out != "" {
			t.Errorf("in a new /tmp there is %s", out)
		}
		name := "/tmp/ephor-" + strconv.Itoa(os.Getpid())
		if out := shell(t, s, "echo secret > "+name+"; cat "+name+"; ls /tmp; echo TMPDIR=$TMPDIR"); !strings.HasPrefix(out, "secret\n") || !strings.HasSuffix(out, "\nTMPDIR=") {
			t.Errorf("writing to /tmp: %q", out)
		}
		if out := shell(t, s, "cat "+name); out != "secret" {
			t.Errorf("the same environment finds %q", out)
		}
		if _, err := os.Stat(name); err == nil {
			t.Error("the machine's /tmp has the file")
		}
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "other", Payload: []byte(`{"do":"sh","text":"cat ` + name + `"}`)})
		if err != nil || !strings.Contains(string(out.Payload), "No such file") {
			t.Errorf("another environment finds %s (%v)", out.Payload, err)
		}
		if out := shell(t, s, "df --output=size -m /tmp | tail -1"); out != "600" {
			t.Errorf("/tmp has %s MB", out)
		}
		if out := shell(t, s, "fallocate -l 601m /tmp/large && echo done"); !strings.Contains(out, "No space left on device") {
			t.Errorf("reserving more than there is: %s", out)
		}
		if out := shell(t, s, "echo x > $LAMBDA_TASK_ROOT/file; rm $LAMBDA_TASK_ROOT/bootstrap"); strings.Count(out, "Read-only file system") != 2 {
			t.Errorf("writing to the code: %s", out)
		}
	}
}

func TestTmpWithoutNamespaces(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{bare: true, Events: r.add})
	create(t, s, hello(t))
	dir := shell(t, s, "echo $TMPDIR; mkdir -p $TMPDIR/a; echo x > $TMPDIR/a/b; chmod 500 $TMPDIR/a")
	if !strings.HasPrefix(dir, s.spawner.tmp) {
		t.Fatalf("TMPDIR=%s", dir)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	all := eventsOf[Isolation](r)
	if len(all) != 1 || all[0] != (Isolation{Watched: true}) {
		t.Fatalf("told %+v", all)
	}
	for _, word := range []string{"TMPDIR", "/opt", "frozen", "memory", "number of processes"} {
		if !strings.Contains(all[0].Lacks(), word) {
			t.Errorf("nothing of %s: %s", word, all[0].Lacks())
		}
	}
	settled(t, s, "hello")
	s.SpinDown()
	eventually(t, "the removal of the folder", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
}

func TestTmpIsWatchedWithoutNamespaces(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{bare: true, Events: r.add})
	create(t, s, hello(t))
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"sh","text":"truncate -s 513M $TMPDIR/x; sleep 18"}`)})
	if err != nil || !strings.Contains(string(out.Payload), "signal: killed") {
		t.Errorf("%v %s", err, out.Payload)
	}
	if all := join(r.lines()); !strings.Contains(all, "EphemeralStorage is 512 MB") {
		t.Errorf("log:\n%s", all)
	}
}

// TestStrays lets a function start a process that makes a session of its own, whose parent is dead:
// it is frozen with its environment, and ends with it.
func TestStrays(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{true, false} {
		cfg := Config{bare: bare, Dir: filepath.Join(t.TempDir(), "lambda")}
		var s *Service
		if bare {
			s = open(t, cfg)
		} else {
			s = isolated(t, "a control group", hasProcesses, cfg)
		}
		create(t, s, hello(t))
		// It is a stray when it leads a group of its own: stopped before that, it is stopped with the function's.
		pid, err := strconv.Atoi(shell(t, s, "setsid sh -c 'while :; do :; done' > /dev/null 2>&1 & p=$!; "+
			"while read -r id name state parent group rest < /proc/$p/stat; [ $group != $p ]; do sleep 0.01; done; echo $p"))
		if err != nil {
			t.Fatal(err)
		}
		settled(t, s, "hello")
		if !bare {
			eventually(t, "the freeze of the stray", func() bool { return frozen(t, pid) })
			before := used(t, pid)
			gate := filepath.Join(t.TempDir(), "go")
			done := make(chan struct{})
			go func() {
				defer close(done)
				shell(t, s, "while [ ! -e "+gate+" ]; do sleep 0.05; done")
			}()
			eventually(t, "the thaw of the stray", func() bool { return !frozen(t, pid) && used(t, pid) != before })
			release(t, gate)
			<-done
			settled(t, s, "hello")
		}
		if !alive(pid) {
			t.Fatal("the stray has gone before its time")
		}
		s.SpinDown()
		eventually(t, "the end of the stray", func() bool { return processGone(pid) })
		if cgroups := s.spawner.cgroups; cgroups != nil {
			eventually(t, "the end of the control group", func() bool { left, _ := filepath.Glob(cgroups.dir + "/e*"); return len(left) == 0 })
		}
	}
}

// Ways to leave an environment's process group; each says the pid of the process that has.
const (
	leaveGroup     = "setsid sleep 1000 > /dev/null 2>&1 & echo $!"
	leaveVariables = "env -i setsid sleep 1000 > /dev/null 2>&1 & echo $!"
	leaveParent    = "env -i setsid sh -c 'sleep 1000 > /dev/null 2>&1 & echo $!'"
	leaveThrice    = `env -i setsid sh -c 'setsid sh -c "(setsid sleep 1000 > /dev/null 2>&1 & echo \$!)"'`
)

// leave lets a function do that, and returns the pid.
func leave(t *testing.T, s *Service, function, way string) int {
	t.Helper()
	event, err := json.Marshal(map[string]string{"do": "sh", "text": way})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Invoke(t.Context(), InvokeInput{Function: function, Payload: event})
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := json.Unmarshal(out.Payload, &text); err != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it is gone, or the test has failed
	if !alive(pid) {
		t.Fatal("the stray has gone before its time")
	}
	return pid
}

// TestStraysAtTheEnd: whatever a process has done to be forgotten, it ends with its environment and with
// the service, and nothing else does: neither another environment's, another service's nor one of this
// process's own.
func TestStraysAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		s, other := open(t, Config{bare: bare}), open(t, Config{bare: bare})
		for _, s := range []*Service{s, other} {
			create(t, s, hello(t))
			create(t, s, hello(t, func(in *FunctionInput) { in.Name = "other" }))
		}
		own := exec.Command("/bin/sleep", "1000")
		own.Env = []string{}
		own.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := own.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = own.Process.Kill() // Wait says how it ended
			if err := own.Wait(); err == nil || err.Error() != "signal: killed" {
				t.Errorf("the process of this one's own: %v", err)
			}
		})
		stay := []int{own.Process.Pid, leave(t, other, "hello", leaveVariables)}
		var atClose []int
		for _, way := range []string{leaveGroup, leaveVariables, leaveParent, leaveThrice} {
			atClose = append(atClose, leave(t, s, "other", way))
		}
		var atEnd []int
		for _, way := range []string{leaveGroup, leaveVariables, leaveParent, leaveThrice} {
			atEnd = append(atEnd, leave(t, s, "hello", way))
		}
		ended := func(pids []int) {
			t.Helper()
			for _, pid := range pids {
				eventually(t, "the end of the stray", func() bool { return processGone(pid) })
			}
		}
		lives := func(pids []int) {
			t.Helper()
			for _, pid := range pids {
				if processGone(pid) {
					t.Errorf("bare %v: process %d has been killed, which is another's", bare, pid)
				}
			}
		}
		if err := s.DeleteFunction(t.Context(), "hello"); err != nil {
			t.Fatal(err)
		}
		ended(atEnd)
		lives(append(stay, atClose...))
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended(atClose)
		lives(stay)
		if err := other.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended(stay[1:])
		lives(stay[:1])
	}
}

// frozen is what the kernel says of a process's control group: that all its processes are frozen. That one
// takes no time of the processor would prove nothing, as on a busy machine nobody gets any.
func frozen(t testing.TB, pid int) bool {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	groups, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	state := readNumber(findHierarchies(string(mounts), string(groups)).unified, "cgroup.events", "frozen ")
	if state < 0 {
		t.Fatalf("nothing tells whether process %d is frozen: it is in %s", pid, groups)
	}
	return state == 1
}

// used is what a process has had of the processors.
func used(t testing.TB, pid int) string {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/schedstat")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	if out := shell(t, s, "ulimit -n"); out != strconv.Itoa(maxDescriptors) {
		t.Errorf("%s descriptors", out)
	}
}

// TestWhatLimitsIsTold: what is told is what the environments' control groups have.
func TestWhatLimitsIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spawner           *spawner
		memory, processes bool
	}{
		"no control groups":     {&spawner{}, false, false},
		"version 2, memory":     {&spawner{cgroups: &cgroups{memory: true}}, true, false},
		"version 2, pids":       {&spawner{cgroups: &cgroups{pids: true}}, false, true},
		"version 1":             {&spawner{older: &cgroups1{memory: "m", pids: "p"}}, true, true},
		"both":                  {&spawner{cgroups: &cgroups{pids: true}, older: &cgroups1{memory: "m"}}, true, true},
		"version 1, and nobody": {&spawner{cgroups: &cgroups{}, older: &cgroups1{pids: "p"}}, false, true},
	} {
		got := c.spawner.isolation()
		if got.Memory != c.memory || strings.Contains(got.Lacks(), "memory is watched") == c.memory {
			t.Errorf("%s: %+v: %s", name, got, got.Lacks())
		}
		if got.ProcessLimit != c.processes || strings.Contains(got.Lacks(), "number of processes") == c.processes {
			t.Errorf("%s: %+v: %s", name, got, got.Lacks())
		}
	}
}

// TestStrayOfExtension: an extension has none of the variables that tell an environment from others.
func TestStrayOfExtension(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		s := open(t, Config{bare: bare})
		folder := external(t, s, "stray", "INVOKE", "agent")
		call(t, s, `{}`)
		settled(t, s, "hello")
		pid, err := strconv.Atoi(strings.Fields(noted(t, folder, "agent", "left behind: "))[2])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it is gone, or the test has failed
		if processGone(pid) {
			t.Fatal("the stray has gone before its time")
		}
		s.SpinDown()
		eventually(t, "the end of the stray", func() bool { return processGone(pid) })
	}
}
