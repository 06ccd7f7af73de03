package storetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// storeProgram finds a store's program, which nobody packages. Without it the test is skipped.
func storeProgram(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not on PATH, and nobody packages it: docs/metrics.md says how to build it")
	}
	return program
}

// runStore starts a store's program in a folder of its own, where its log is too, and waits until it is ready, which
// ready may tell from the log. It ends with the test. ok is false if it has ended by itself, or is not ready in time;
// then the test has its log.
func runStore(t *testing.T, c *exec.Cmd, dir string, ready func(log string) bool) (ok bool) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = dir
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Kill() // it has nothing to lose
		<-ended
		log.Close()
	})
	for deadline := time.After(time.Minute); ; {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		if ready(string(text)) {
			return true
		}
		select {
		case err := <-ended:
			ended <- err
			t.Logf("%s ended (%v):\n%s", c.Path, err, text)
			return false
		case <-deadline:
			t.Logf("%s is not ready:\n%s", c.Path, text)
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}
