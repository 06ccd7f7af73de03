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

// script keeps a variable for each slot, so that neither a change nor the end takes long when there
// are a thousand groups; the shell starts no process for any of it. Then comes what StartThen was
// given, and last goes the guard's own group, the guard in it.
const script = `trap '' HUP INT QUIT TERM
slots=0
while read -r slot group; do
	eval "group$slot=$group"
	[ "$slot" -lt "$slots" ] || slots=$((slot + 1))
done
while [ "$slots" -gt 0 ]; do
	slots=$((slots - 1))
	eval "group=\$group$slots"
	[ -z "$group" ] || kill -KILL "-$group"
done
`

// Guard is a guard that runs. Its methods may be called concurrently.
type Guard struct {
	mu    sync.Mutex
	shell *exec.Cmd
	pipe  io.WriteCloser
	slots map[int]int // of the groups that are watched
	then  []string    // what the shell does last: a script and its arguments
	free  []int       // slots below len(slots)+len(free) that no group has
}

// Start starts a guard of no groups but its own. Only Close ends it.
func Start() (*Guard, error) { return StartThen("") }

// StartThen is Start for a guard that also does what script says, a text for sh(1) that finds args
// in $1, $2, …, after the groups have been killed: at Close as well as at the end of this process.
func StartThen(script string, args ...string) (*Guard, error) {
	g := &Guard{slots: map[int]int{}, then: append([]string{script}, args...)}
	if err := g.start(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Guard) start() error {
	text := script + g.then[0] + "\nkill -KILL 0"
	shell := exec.Command("/bin/sh", append([]string{"-c", text, "guard"}, g.then[1:]...)...)
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
	if group <= 1 {
		panic("guard: " + strconv.Itoa(group) + " is not a process group but, to kill(2), all that there is")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	slot, ok := g.slots[group]
	if !ok {
		slot = g.take()
		g.slots[group] = slot
	}
	if g.tell(slot, strconv.Itoa(group)) == nil {
		return nil
	}
	g.end()
	if err := g.start(); err != nil {
		return err
	}
	for group, slot := range g.slots {
		if err := g.tell(slot, strconv.Itoa(group)); err != nil {
			return fmt.Errorf("telling the guard of process group %d: %w", group, err)
		}
	}
	return nil
}

func (g *Guard) take() (slot int) {
	n := len(g.free)
	if n == 0 {
		return len(g.slots)
	}
	slot, g.free = g.free[n-1], g.free[:n-1]
	return slot
}

// Forget says that the group is gone. It must be called before its leader is waited for: from
// then on its number may be a stranger's.
func (g *Guard) Forget(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	slot, ok := g.slots[group]
	if !ok {
		return
	}
	delete(g.slots, group)
	g.free = append(g.free, slot)
	// A guard that is not there to be told kills nobody.
	_ = g.tell(slot, "")
}

// tell writes a line in one piece, as a pipe takes it. The guard reads all lines before the end.
func (g *Guard) tell(slot int, group string) error {
	_, err := io.WriteString(g.pipe, strconv.Itoa(slot)+" "+group+"\n")
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
