package lambda

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHierarchies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mounts, groups, unified string
		older                   map[string]string
	}{
		"version 2 alone": {
			"30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
			"0::/user.slice/user-1000.slice\n",
			"/sys/fs/cgroup/user.slice/user-1000.slice", map[string]string{},
		},
		"both, the controllers in version 1": {
			"72 68 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n" +
				"76 68 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n" +
				"78 68 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
			"8:pids:/\n4:memory:/a/b\n0::/\n",
			"/sys/fs/cgroup/unified", map[string]string{"memory": "/sys/fs/cgroup/memory/a/b", "pids": "/sys/fs/cgroup/pids"},
		},
		"version 1 in a container": {
			"72 68 0:32 /docker/1234 /sys/fs/cgroup/memory ro,nosuid master:9 - cgroup memory rw,memory\n" +
				"73 68 0:33 /docker/1234 /sys/fs/cgroup/cpu,pids ro,nosuid - cgroup cgroup rw,cpu,pids\n" +
				"74 68 0:34 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
			"5:memory:/docker/1234\n4:cpu,pids:/docker/1234/in\n1:name=systemd:/docker/1234\n",
			"", map[string]string{"memory": "/sys/fs/cgroup/memory", "pids": "/sys/fs/cgroup/cpu,pids/in"},
		},
		"outside of what is mounted": {
			"72 68 0:32 /docker/1234 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"78 68 0:38 /docker /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
			"5:memory:/else\n0::/../else\n",
			"", map[string]string{},
		},
		"no control groups": {"21 1 8:1 / / rw - ext4 /dev/sda1 rw\nnonsense\n", "", "", map[string]string{}},
	} {
		got := findHierarchies(c.mounts, c.groups)
		if got.unified != c.unified || !cmp.Equal(got.older, c.older) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// fakeGroup is a folder with the files of a control group, which a machine may not have.
func fakeGroup(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func fileHolds(t *testing.T, dir, file, want string) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", file, got, err, want)
	}
}

func TestLimitsOfVersion2(t *testing.T) {
	t.Parallel()
	files := map[string]string{"cgroup.procs": "", "memory.max": "", "memory.oom.group": "", "pids.max": "", "memory.peak": "5000\n",
		"memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n"}
	dir := fakeGroup(t, files)
	g := openCgroup(dir)
	if g == nil {
		t.Fatal("no group")
	}
	defer g.remove()
	g.limitMemory(128)
	g.limitProcesses()
	fileHolds(t, dir, "memory.max", "134217728")
	fileHolds(t, dir, "memory.oom.group", "1")
	fileHolds(t, dir, "pids.max", "1024")
	b := &sandbox{group: g}
	if b.memoryLimit() != heldByCgroup || !b.limitsProcesses() || b.watched() || b.peak(0) != 5000 || b.outOfMemory() {
		t.Errorf("held by %s, processes %v, watched %v, peak %d, killed %v", b.memoryLimit(), b.limitsProcesses(), b.watched(), b.peak(0), b.outOfMemory())
	}
	if err := os.WriteFile(filepath.Join(dir, "memory.events"), []byte("oom 1\noom_kill 3\n"), 0o600); err != nil || !b.outOfMemory() {
		t.Errorf("three kills are none (%v)", err)
	}

	// What this Linux does not have is not claimed.
	delete(files, "memory.oom.group")
	delete(files, "pids.max")
	old := openCgroup(fakeGroup(t, files))
	defer old.remove()
	old.limitMemory(128)
	old.limitProcesses()
	if b := (&sandbox{group: old}); b.memoryLimit() != heldByWarden || b.limitsProcesses() || !b.watched() {
		t.Errorf("without the files: held by %s, processes %v", b.memoryLimit(), b.limitsProcesses())
	}
}

func TestLimitsOfVersion1(t *testing.T) {
	t.Parallel()
	files := map[string]string{"memory.limit_in_bytes": "", "memory.memsw.limit_in_bytes": "", "memory.max_usage_in_bytes": "7000\n",
		"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "cgroup.procs": "1\n70\n71\n"}
	dir := fakeGroup(t, files)
	if !limitMemory1(dir, 256) {
		t.Error("a whole group does not limit")
	}
	fileHolds(t, dir, "memory.limit_in_bytes", "268435456")
	fileHolds(t, dir, "memory.memsw.limit_in_bytes", "268435456")
	g := &cgroup1{memory: dir}
	b := &sandbox{older: g}
	if b.memoryLimit() != heldByCgroup1 || b.limitsProcesses() || !b.watched() || b.peak(0) != 7000 || b.outOfMemory() {
		t.Errorf("held by %s, processes %v, watched %v, peak %d, killed %v", b.memoryLimit(), b.limitsProcesses(), b.watched(), b.peak(0), b.outOfMemory())
	}
	if got := b.processes(); !cmp.Equal(got, []int{70, 71}) {
		t.Errorf("processes %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "memory.oom_control"), []byte("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 0o600); err != nil || !b.outOfMemory() {
		t.Errorf("a kill is none (%v)", err)
	}

	files["memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\n"
	if limitMemory1(fakeGroup(t, files), 256) {
		t.Error("a system that does not tell of its kills limits")
	}
	delete(files, "memory.limit_in_bytes")
	if limitMemory1(fakeGroup(t, files), 256) {
		t.Error("a group without a limit limits")
	}
}

// TestNoControllers: a folder that is no control group is left as it was.
func TestNoControllers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if c := newCgroups1(map[string]string{"memory": dir, "pids": filepath.Join(dir, "missing")}, "name"); c != nil {
		t.Errorf("%+v", c)
	}
	if c := newCgroups(dir, "name"); c != nil {
		t.Errorf("%+v", c)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
}

// onThread calls f on a thread of its own.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		f()
	}()
	<-done
}

// older is control groups of version 1 that are really there.
func older(t *testing.T) *cgroups1 {
	t.Helper()
	var c *cgroups1
	onThread(func() {
		c = newCgroups1(ownHierarchies().older, "ephor-lambda-test-"+strconv.Itoa(os.Getpid())+"-"+t.Name())
	})
	if c == nil {
		t.Skip("no control group of version 1 can be made here: run the tests as root on a machine that has mounted its controllers memory or pids")
	}
	t.Cleanup(c.close)
	return c
}

// inGroup is a process in a group of c that has left its process group and lost its variables.
func inGroup(t *testing.T, c *cgroups1) (g *cgroup1, pid int) {
	t.Helper()
	sleep := exec.Command("setsid", "sleep", "1000")
	sleep.Env = []string{}
	g = c.make(128)
	var started error
	onThread(func() {
		if err := c.within(g, func() { started = sleep.Start() }); err != nil || started != nil {
			t.Error(err, started)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { sleep.Process.Kill() })
	go sleep.Wait()
	return g, sleep.Process.Pid
}

func TestVersion1(t *testing.T) {
	t.Parallel()
	c := older(t)
	g, pid := inGroup(t, c)
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	for _, dir := range g.folders() {
		if err != nil || !strings.Contains(string(data), filepath.Base(dir)) {
			t.Errorf("the process is not in %s: %s (%v)", dir, data, err)
		}
	}
	if got := g.processes(); !cmp.Equal(got, []int{pid}) {
		t.Errorf("processes %v, want %d", got, pid)
	}
	g.kill()
	eventually(t, "the end of the process", func() bool { return processGone(pid) })
	g.remove()
	for _, dir := range g.folders() {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", dir, err)
		}
	}
	onThread(func() {
		err := c.within(g, func() { t.Error("something was started in a group that is no more") })
		if err == nil || !strings.Contains(err.Error(), g.folders()[0]) {
			t.Errorf("entering a group that is no more: %v", err)
		}
	})
}

// TestLastRites runs what the guard runs when this program has died.
func TestLastRites(t *testing.T) {
	t.Parallel()
	c := older(t)
	_, pid := inGroup(t, c)
	marks := &strays{}
	marks.open()
	text, args := lastRites(nil, c, marks, t.TempDir())
	if out, err := exec.Command("/bin/sh", append([]string{"-c", text, "guard"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	eventually(t, "the end of the process", func() bool { return processGone(pid) })
	for _, dir := range c.folders() {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", dir, err)
		}
	}
}

// TestStraysOfVersion1: without control groups of version 2, those of version 1 find what has left its
// process group.
func TestStraysOfVersion1(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	if s.spawner.older == nil {
		t.Skip("no control group of version 1 can be made here: run the tests as root on a machine that has mounted its controllers memory or pids")
	}
	unified := s.spawner.cgroups
	s.spawner.cgroups = nil
	t.Cleanup(unified.close)
	create(t, s, hello(t))
	pid, err := strconv.Atoi(shell(t, s, "env -i setsid sleep 1000 > /dev/null 2>&1 & echo $!"))
	if err != nil {
		t.Fatal(err)
	}
	settled(t, s, "hello")
	if !alive(pid) {
		t.Fatal("the stray has gone before its time")
	}
	s.SpinDown()
	eventually(t, "the end of the stray", func() bool { return processGone(pid) })
	for _, dir := range s.spawner.older.folders() {
		eventually(t, "the end of the control group", func() bool { left, _ := filepath.Glob(dir + "/e*"); return len(left) == 0 })
	}
}
