//go:build unix

package gotool

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// A group is a process group that dies with this process.
//
//	us ── pipe ──▶ guard (leads the group)
//	└─▶ go ─▶ compile, link, …  (in the group)
//
// The guard is a shell that waits for the pipe's end and then kills its own group. The kernel
// closes the pipe however we end, SIGKILL included. Linux's parent-death signal would reach
// the go command alone, not its compilers, and other systems have none. Until close has waited
// for the guard its process ID, which is the group's, belongs to nobody else.
type group struct {
	guard *exec.Cmd
	hold  io.Closer
}

func newGroup() (*group, error) {
	guard := exec.Command("/bin/sh", "-c", "read -r line; kill -KILL 0")
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	hold, err := guard.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("guarding the go command: %w", err)
	}
	if err := guard.Start(); err != nil {
		return nil, fmt.Errorf("guarding the go command: %w", err)
	}
	return &group{guard: guard, hold: hold}, nil
}

// admit makes cmd, which is not started yet, run in the group, and its context kill all of it.
func (g *group) admit(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.guard.Process.Pid}
	cmd.Cancel = func() error { return syscall.Kill(-g.guard.Process.Pid, syscall.SIGKILL) }
}

// close ends whatever is left of the group and waits for the guard.
func (g *group) close() {
	g.hold.Close()
	// It ends itself by a signal: there is no news in how.
	_ = g.guard.Wait()
}
