package lambda

import (
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/internal/guard"
)

// process is a started process, the leader of its process group.
type process struct {
	pid    int
	pidfd  int // -1 where the system has none
	guard  *guard.Guard
	box    *sandbox
	output *output
	amiss  error // of its start, which it has not prevented

	mu   sync.Mutex
	gone bool // reaped: the pid may be another's by now

	peak      int       // bytes
	peakAt    time.Time // when it was looked at
	inherited int       // bytes: what the peak that wait(2) tells has at least, for nothing
}

// complain tells what was amiss with the process's start.
func (p *process) complain(to *logStream) {
	if p.amiss != nil {
		to.remark(p.amiss.Error())
	}
}

// exitStatus says how a process ended, in Go's and Lambda's words: "exit status 1", "signal:
// killed". It is empty after exit status 0.
type exitStatus string

// signal sends sig to the whole group, if the process has not been reaped.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		// The only error there can be is that the group has just ended, which wait will see.
		_ = syscall.Kill(-p.pid, sig)
	}
}

// wait returns when the process has ended and kills what it leaves behind in its group.
func (p *process) wait() exitStatus {
	p.awaitExit()
	p.mu.Lock()
	defer p.mu.Unlock()
	// The dead leader is not reaped yet, so its pid still means this group and no other.
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	p.guard.Forget(p.pid)
	var status syscall.WaitStatus
	var usage syscall.Rusage
	for {
		_, err := syscall.Wait4(p.pid, &status, 0, &usage)
		if err != syscall.EINTR {
			break
		}
	}
	p.gone = true
	// The system counts from before the exec: until then the process was a copy of this one.
	if peak := maxRSS(usage); peak > p.inherited {
		p.peak = peak
	}
	p.peak = max(p.peak, p.box.peak(p.peak))
	switch {
	case status.Signaled():
		return exitStatus("signal: " + status.Signal().String())
	case status.ExitStatus() != 0:
		return exitStatus("exit status " + strconv.Itoa(status.ExitStatus()))
	}
	return ""
}

// peakEvery is how old peakMemory's answer may be. To ask the system takes as long as all else
// that Lambda does after an invocation, and a peak is not lost by being looked at later.
const peakEvery = 50 * time.Millisecond

// peakMemory is the most memory that the process has had resident, in bytes.
func (p *process) peakMemory(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone && now.Sub(p.peakAt) > peakEvery {
		p.look()
		p.peakAt = now
	}
	return p.peak
}

// notePeak looks at the memory for a process that may end before anybody asks.
func (p *process) notePeak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.look()
	}
}

func (p *process) look() {
	p.peak = max(p.peak, residentPeak(p.pid))
	p.peak = max(p.peak, p.box.peak(p.peak))
}

// drainGrace is how long the output of a process that has ended is waited for, should something
// that left its group still hold the other end.
const drainGrace = 100 * time.Millisecond
