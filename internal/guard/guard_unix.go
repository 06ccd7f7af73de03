//go:build unix

package guard

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
)

// script keeps the groups that it is told of. A set is a text, so that a lookup is the shell's own
// and starts no process. Last goes the guard's own group, the guard in it.
const script = `trap '' HUP INT QUIT TERM
groups=' '
while read -r change group; do
	case $change in
	+) groups="$groups$group " ;;
	-) groups="${groups%% $group *} ${groups#* $group }" ;;
	esac
done
for group in $groups; do kill -KILL "-$group"; done
kill -KILL 0`

// Guard is a guard that runs. Its methods may be called concurrently.
type Guard struct {
	mu     sync.Mutex
	shell  *exec.Cmd
	pipe   io.WriteCloser
	groups map[int]struct{}
}

// Start starts a guard of no groups but its own. Only Close ends it.
func Start() (*Guard, error) {
	g := &Guard{groups: map[int]struct{}{}}
	if err := g.start(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Guard) start() error {
	shell := exec.Command("/bin/sh", "-c", script)
	shell.Dir, shell.Env = "/", []string{}
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := shell.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting a guard: %w", err)
	}
	if err := shell.Start(); err != nil {
		return fmt.Errorf("starting a guard: %w", err)
	}
	g.shell, g.pipe = shell, pipe
	return nil
}

// Group is the guard's own process group, for processes that shall end at Close at the latest. It
// belongs to nobody else until then.
func (g *Guard) Group() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shell.Process.Pid
}

// Watch makes the process group end with this process. A guard that somebody has killed is
// replaced; an error means that there is no other.
func (g *Guard) Watch(group int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.groups[group] = struct{}{}
	if g.tell("+", group) == nil {
		return nil
	}
	g.end()
	if err := g.start(); err != nil {
		return err
	}
	for group := range g.groups {
		if err := g.tell("+", group); err != nil {
			return fmt.Errorf("telling the guard of process group %d: %w", group, err)
		}
	}
	return nil
}

// Forget says that the group is gone. It must be called before its leader is waited for: from
// then on its number may be a stranger's.
func (g *Guard) Forget(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.groups[group]; ok {
		delete(g.groups, group)
		// A guard that is not there to be told kills nobody.
		_ = g.tell("-", group)
	}
}

// tell writes less than a pipe takes in one piece. The guard reads all of it before the end.
func (g *Guard) tell(change string, group int) error {
	_, err := io.WriteString(g.pipe, change+" "+strconv.Itoa(group)+"\n")
	return err
}

// Close ends all groups that are watched, the guard's own and the guard, and waits for the guard.
func (g *Guard) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end()
}

func (g *Guard) end() {
	g.pipe.Close()
	// It ends itself by a signal: there is no news in how.
	_ = g.shell.Wait()
}
