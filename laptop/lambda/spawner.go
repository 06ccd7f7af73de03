package lambda

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/internal/guard"
)

// command is a process to start: an absolute path, without arguments.
type command struct {
	path, dir string
	env       []string
	in        *sandbox // nil for none
}

// spawner starts all processes, and lets none outlive this one. Linux's parent-death signal ends
// the processes that it started; a guard ends their groups and their control groups, in which are
// the processes that those have started, and is all there is on other systems. Without control groups
// these are known by their mark.
//
// The parent-death signal comes when the thread that forked ends, and Go ends threads as it likes
// unless they are locked. So all are started from one thread that lives as long as the Service.
type spawner struct {
	guard      *guard.Guard
	cgroups    *cgroups    // nil where there are none
	older      *cgroups1   // nil where there are none, or nothing for them to do
	namespaces *namespaces // nil where there are none
	tmp        string      // in which environments without a namespace have their folders
	strays     strays
	requests   chan func()
	done       chan struct{}
}

// newSpawner starts the thread and the guard. code is the folder with all functions' code, and tmp
// one for temporary files; bare makes neither control groups nor namespaces.
func newSpawner(code, tmp string, bare bool) (*spawner, error) {
	s := &spawner{tmp: tmp, requests: make(chan func()), done: make(chan struct{})}
	go s.run()
	if !bare {
		s.do(func() { s.cgroups, s.older = newControlGroups() })
	}
	s.strays.open()
	script, args := lastRites(s.cgroups, s.older, &s.strays, code)
	var err error
	if s.guard, err = guard.StartThen(script, args...); err != nil {
		close(s.requests)
		<-s.done
		s.cgroups.close()
		s.older.close()
		return nil, err
	}
	if !bare {
		s.do(func() { s.namespaces = newNamespaces(code) })
	}
	return s, nil
}

// run is the thread. It is not the process's first one, of which /proc/self tells: what it does to
// itself must not be seen there.
func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	if firstThread() {
		other := make(chan struct{})
		go func() {
			defer close(other)
			runtime.LockOSThread()
			s.serve()
		}()
		<-other
		return
	}
	s.serve()
}

func (s *spawner) serve() {
	for do := range s.requests {
		do()
	}
}

// do calls f on the thread.
func (s *spawner) do(f func()) {
	done := make(chan struct{})
	s.requests <- func() {
		defer close(done)
		f()
	}
	<-done
}

// close ends the thread and the guard. No process may be left that it has started.
func (s *spawner) close() {
	close(s.requests)
	<-s.done
	s.namespaces.close()
	s.cgroups.close()
	s.older.close()
	s.guard.Close()
}

// start runs c in a process group of its own, with out as its standard output and error, and
// returns when the program has been loaded.
func (s *spawner) start(c command, out *output) (p *process, err error) {
	s.do(func() {
		var space *namespace
		var older *cgroup1
		if c.in != nil {
			space, older = c.in.space, c.in.older
		}
		var entering error
		limiting := s.older.within(older, func() {
			entering = s.namespaces.within(space, func() { p, err = s.startProcess(c, out) })
		})
		amiss := errors.Join(entering, limiting)
		switch {
		case p == nil:
			err = errors.Join(err, amiss)
		case amiss != nil: // on the way back
			p.amiss = fmt.Errorf("process %d runs as it should, but the next ones may be held to its environment's limits, or see its files: %w", p.pid, amiss)
		}
	})
	return p, err
}

// busyTries is how often a program is tried that is "busy". Another thread that forks while
// a file is open for writing carries the descriptor along until its own exec, for a moment.
const busyTries = 20

func (s *spawner) startProcess(c command, out *output) (*process, error) {
	attr := &syscall.ProcAttr{Dir: c.dir, Env: c.env, Files: []uintptr{out.null.Fd(), out.writer.Fd(), out.writer.Fd()}}
	pidfd := ownGroup(attr, c.in)
	for try := 0; ; try++ {
		inherited := ownPeak()
		pid, err := syscall.ForkExec(c.path, []string{c.path}, attr)
		if errors.Is(err, syscall.ETXTBSY) && try < busyTries {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return nil, err
		}
		if c.in != nil {
			c.in.mark.put(pid)
		}
		limitDescriptors(pid)
		p := &process{pid: pid, pidfd: *pidfd, guard: s.guard, box: c.in, output: out, inherited: inherited}
		out.started()
		if err := s.guard.Watch(pid); err != nil {
			p.signal(syscall.SIGKILL)
			p.wait()
			return nil, err
		}
		return p, nil
	}
}
