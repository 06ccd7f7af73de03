//go:build unix

package gotool

import (
	"os/exec"
	"syscall"

	"github.com/ephor-io/ephor/internal/guard"
)

// A group is a process group that dies with this process: the group of a guard of its own. The go
// command and its compilers are in it from their first moment.
type group struct{ guard *guard.Guard }

func newGroup() (*group, error) {
	g, err := guard.Start()
	return &group{g}, err
}

// admit makes cmd, which is not started yet, run in the group, and its context kill all of it.
func (g *group) admit(cmd *exec.Cmd) {
	id := g.guard.Group()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: id}
	cmd.Cancel = func() error { return syscall.Kill(-id, syscall.SIGKILL) }
}

// close ends whatever is left of the group and waits for the guard.
func (g *group) close() { g.guard.Close() }
