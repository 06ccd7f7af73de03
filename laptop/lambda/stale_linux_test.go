package lambda

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// Of the groups that are there, those of processes that are gone go, and nothing else.
func TestStaleGroupsAreRemoved(t *testing.T) {
	t.Parallel()
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dead, alive := strconv.Itoa(gone.Process.Pid), strconv.Itoa(os.Getpid())
	folder := t.TempDir()
	for _, dir := range []string{
		"ephor-lambda-" + dead + "-a/e1", "ephor-lambda-" + dead + "-b", "ephor-lambda-test-" + dead + "-TestX/e2",
		"ephor-lambda-" + alive + "-a/e1", "ephor-lambda-test-" + alive + "-TestX", "ephor-lambda-x-y", "ephor-lambda--1-a", "ephor-lambda-0-a", "ephor-lambda-" + dead, "other-" + dead + "-a",
		"ephor-lambda-" + dead + "-in-use/e1/below", // as one that has a process, it cannot be removed
	} {
		if err := os.MkdirAll(filepath.Join(folder, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removeStale(filepath.Join(folder, "none"), folder)
	var left []string
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"ephor-lambda-" + alive + "-a", "ephor-lambda-test-" + alive + "-TestX", "ephor-lambda-x-y", "ephor-lambda--1-a", "ephor-lambda-0-a", "ephor-lambda-" + dead,
		"other-" + dead + "-a", "ephor-lambda-" + dead + "-in-use"}
	slices.Sort(want)
	slices.Sort(left)
	if !slices.Equal(left, want) {
		t.Errorf("left %q\nwant %q", left, want)
	}
	if _, err := os.Stat(filepath.Join(folder, "ephor-lambda-"+alive+"-a", "e1")); err != nil {
		t.Errorf("an environment of a process that lives: %v", err)
	}

	// The same with groups of the kernel's, which have files in them.
	c := newCgroups(ownHierarchies().unified, "ephor-lambda-"+dead+"-real")
	if c == nil {
		return // this machine has none to make
	}
	if err := os.Mkdir(filepath.Join(c.dir, "e1"), 0o755); err != nil {
		t.Fatal(err)
	}
	removeStale(filepath.Dir(c.dir))
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", c.dir, err)
	}
}
