package lambda

import (
	"errors"
	"runtime"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/internal/guard"
)

// command is a process to start: an absolute path, without arguments.
type command struct {
	path, dir string
	env       []string
}

// spawner starts all processes, and lets none outlive this one. Linux's parent-death signal ends
// the processes that it started; a guard ends their groups, in which are the processes that
// those have started, and is all there is on other systems.
//
// The parent-death signal comes when the thread that forked ends, and Go ends threads as it likes
// unless they are locked. So all are started from one thread that lives as long as the Service.
type spawner struct {
	guard    *guard.Guard
	requests chan func()
	done     chan struct{}
}

func newSpawner() (*spawner, error) {
	g, err := guard.Start()
	if err != nil {
		return nil, err
	}
	s := &spawner{guard: g, requests: make(chan func()), done: make(chan struct{})}
	go s.run()
	return s, nil
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	for start := range s.requests {
		start()
	}
}

// close ends the thread and the guard. No process may be left that it has started.
func (s *spawner) close() {
	close(s.requests)
	<-s.done
	s.guard.Close()
}

// start runs c in a process group of its own, with out as its standard output and error, and
// returns when the program has been loaded.
func (s *spawner) start(c command, out *output) (p *process, err error) {
	done := make(chan struct{})
	s.requests <- func() {
		defer close(done)
		p, err = s.startProcess(c, out)
	}
	<-done
	return p, err
}

// busyTries is how often a program is tried that is "busy". Another thread that forks while
// a file is open for writing carries the descriptor along until its own exec, for a moment.
const busyTries = 20

func (s *spawner) startProcess(c command, out *output) (*process, error) {
	attr := &syscall.ProcAttr{Dir: c.dir, Env: c.env, Files: []uintptr{out.null.Fd(), out.writer.Fd(), out.writer.Fd()}}
	pidfd := ownGroup(attr)
	for try := 0; ; try++ {
		pid, err := syscall.ForkExec(c.path, []string{c.path}, attr)
		if errors.Is(err, syscall.ETXTBSY) && try < busyTries {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return nil, err
		}
		p := &process{pid: pid, pidfd: *pidfd, guard: s.guard, output: out}
		out.started()
		if err := s.guard.Watch(pid); err != nil {
			p.signal(syscall.SIGKILL)
			p.wait()
			return nil, err
		}
		return p, nil
	}
}
