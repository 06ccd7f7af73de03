//go:build unix && !linux

package lambda

import "syscall"

// ownGroup asks for a process group. There is no death with the parent here. What takes its
// place: a stopped process group that loses its parent gets SIGHUP and SIGCONT (POSIX, "orphaned
// process group"), which ends a frozen function, and one that runs loses its Runtime API, at
// which a runtime exits.
func ownGroup(attr *syscall.ProcAttr) (pidfd *int) {
	attr.Sys = &syscall.SysProcAttr{Setpgid: true}
	return new(-1)
}

// awaitExit leaves the waiting to wait4, which holds a thread for every environment.
func (p *process) awaitExit() {}

// maxRSS is in bytes on Darwin.
func maxRSS(u syscall.Rusage) int { return int(u.Maxrss) }

// residentPeak is not known of a living process without /proc: REPORT lines say 0 MB.
func residentPeak(int) int { return 0 }
