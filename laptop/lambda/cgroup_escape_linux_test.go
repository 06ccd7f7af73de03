package lambda

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestControlGroupsCannotBeLeft lets a function that runs as root write its shell's pid to every
// control group that is mounted, as one does to leave the one it is in.
func TestControlGroupsCannotBeLeft(t *testing.T) {
	t.Parallel()
	s := isolated(t, "a mount namespace", hasTmp, Config{})
	create(t, s, hello(t))
	mounts := cgroupMounts()
	if len(mounts) == 0 {
		t.Skip("no control groups are mounted: mount -t cgroup2 none /sys/fs/cgroup")
	}
	own := shell(t, s, "cat /proc/self/cgroup")
	for _, dir := range mounts {
		if got := shell(t, s, "echo $$ > "+dir+"/cgroup.procs"); !strings.Contains(got, "Read-only file system") {
			t.Errorf("%s can be entered: %s", dir, got)
		}
		if got := shell(t, s, "mkdir "+dir+"/mine"); !strings.Contains(got, "Read-only file system") {
			os.Remove(filepath.Join(dir, "mine"))
			t.Errorf("a group can be made in %s: %s", dir, got)
		}
	}
	if got := shell(t, s, "cat /proc/self/cgroup"); got != own {
		t.Errorf("the processes are in %s, and were in %s", got, own)
	}
}

// TestStraysOutsideTheirGroup: a process that has got out of its control group in spite of that, here by
// our hand, ends with its environment, as it does where there are none.
func TestStraysOutsideTheirGroup(t *testing.T) {
	t.Parallel()
	s := isolated(t, "a control group", hasProcesses, Config{})
	create(t, s, hello(t))
	pid := leave(t, s, "hello", leaveParent)
	settled(t, s, "hello")
	all := ownHierarchies()
	for _, dir := range []string{all.unified, all.older["memory"], all.older["pids"]} {
		if dir == "" {
			continue
		}
		if err := writeFile(dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup"); err != nil || strings.Contains(string(data), "ephor-lambda") {
		t.Fatalf("the process is still in %s (%v)", data, err)
	}
	if !alive(pid) {
		t.Fatal("the stray has gone before its time")
	}
	s.SpinDown()
	eventually(t, "the end of the stray", func() bool { return processGone(pid) })
}
