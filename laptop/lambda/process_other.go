//go:build unix && !linux

package lambda

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup asks for a process group. There is no death with the parent here: that is the guard's.
func ownGroup(attr *syscall.ProcAttr, _ *sandbox) (pidfd *int) {
	attr.Sys = &syscall.SysProcAttr{Setpgid: true}
	return new(-1)
}

func firstThread() bool { return false } // which no thread minds here

// ownPeak is what wait(2) tells of a child that it has of this process: nothing.
func ownPeak() int { return 0 }

// limitDescriptors cannot be done from outside of a process here.
func limitDescriptors(int) {}

// awaitExit returns when the process has ended, and does not reap it. It holds a thread for every
// environment. A process that has ended already cannot be watched, which is an error and means
// the same.
func (p *process) awaitExit() {
	queue, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer unix.Close(queue)
	watch := make([]unix.Kevent_t, 1)
	unix.SetKevent(&watch[0], p.pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	watch[0].Fflags = unix.NOTE_EXIT
	ended := make([]unix.Kevent_t, 1)
	for {
		n, err := unix.Kevent(queue, watch, ended, nil)
		if n > 0 || err != unix.EINTR {
			return
		}
	}
}

// maxRSS is in bytes on Darwin.
func maxRSS(u syscall.Rusage) int { return int(u.Maxrss) }

// residentPeak is not known of a living process without /proc: REPORT lines say 0 MB.
func residentPeak(int) int { return 0 }
