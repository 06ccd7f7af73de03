package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// What was acknowledged is there after a kill, and no process outlives it.
func TestKilled(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	a := up(t, uptest.Root(t), helloProgram(t), state)
	for range 20 {
		if status, body := a.Get("/hello/grafana"); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	served := allRecorded(t, a, recorded, "/hello/grafana", 20)
	// A point can be seen a moment before it is acknowledged; a function that is at rest was told.
	uptest.Eventually(t, "all functions at rest", func() bool { return a.busy() == 0 })
	a.Stop(syscall.SIGKILL)
	uptest.Eventually(t, "no process of it is left", func() bool { return len(processesWith(t, state)) == 0 })

	b := up(t, uptest.Root(t), helloProgram(t), state)
	if n := b.count(recorded); n != served {
		t.Errorf("%d of %d are there after a kill", n, served)
	}
	if status, _ := b.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("after a kill: %d", status)
	}
	b.Stop(os.Interrupt)
	if left := processesWith(t, state); len(left) > 0 {
		t.Errorf("Ctrl-C left %v", left)
	}
	if code := b.Cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("Ctrl-C ended with status %d:\n%s", code, b.Stderr)
	}
	// Told to end, the function delivered its last batch, and the store was still there to take it.
	c := up(t, uptest.Root(t), helloProgram(t), state)
	if n := c.count(`SELECT count("final") FROM "publisher"`); n != 1 {
		t.Errorf("%d environments said goodbye, one was ended in order", n)
	}
}

// processesWith are the processes whose command line or executable lies below a folder.
func processesWith(t testing.TB, dir string) (found []string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) == 0 {
		t.Skip("this system has no /proc to look for processes in")
	}
	for _, p := range processes {
		exe, _ := os.Readlink(filepath.Join(p, "exe")) // gone meanwhile, or a kernel's: not ours
		cmdline, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		if strings.HasPrefix(exe, dir) || strings.Contains(string(cmdline), dir) {
			found = append(found, p+" "+exe+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return found
}

// The death of `go run` is the end of what it started.
func TestGoRunKilled(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	a := goRun(t, state)
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	a.Stop(syscall.SIGKILL)
	uptest.Eventually(t, "no process of it is left", func() bool { return len(processesWith(t, state)) == 0 })
}

// goRun is `go run ./examples/hello up`.
func goRun(t *testing.T, state string) *application {
	t.Helper()
	return up(t, uptest.Root(t), goRunScript(t), state)
}

// goRunScript is a program that becomes `go run ./examples/hello`.
func goRunScript(t testing.TB) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "go-run")
	uptest.WriteFile(t, script, "#!/bin/sh\nexec go run ./examples/hello \"$@\"\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	return script
}
