package lambda

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup asks for a process group, for death with the parent and for the sandbox's control group.
// The result will hold a descriptor of the process, or -1 before Linux 5.3.
func ownGroup(attr *syscall.ProcAttr, in *sandbox) (pidfd *int) {
	pidfd = new(-1)
	attr.Sys = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: pidfd}
	if in != nil && in.group != nil {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, in.group.fd
	}
	return pidfd
}

// firstThread says that the caller's thread is the process's first.
func firstThread() bool { return unix.Gettid() == unix.Getpid() }

// ownPeak is what wait(2) will tell of a child of this process at least, in bytes.
func ownPeak() int {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return maxRSS(usage)
}

// limitDescriptors sets Lambda's limit, which goes on to the process's children. A process may have
// looked at the old limit in its first microseconds; it is the new one that counts.
func limitDescriptors(pid int) {
	limit := unix.Rlimit{Cur: maxDescriptors, Max: maxDescriptors}
	_ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil) // unless it has ended
}

// awaitExit returns when the process has ended, and does not reap it. It waits in the runtime's
// poller: a wait(2) would hold a thread for every environment.
func (p *process) awaitExit() {
	if p.pidfd >= 0 && unix.SetNonblock(p.pidfd, true) == nil {
		f := os.NewFile(uintptr(p.pidfd), "pidfd")
		defer f.Close()
		if conn, err := f.SyscallConn(); err == nil && conn.Read(hasExited) == nil {
			return
		}
	}
	for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

func hasExited(pidfd uintptr) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PIDFD, int(pidfd), &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0 || err != nil && err != unix.EAGAIN && err != unix.EINTR
}

// maxRSS is in kilobytes on Linux.
func maxRSS(u syscall.Rusage) int { return int(u.Maxrss) << 10 }

// residentPeak reads VmHWM, or 0 if the process has just ended.
func residentPeak(pid int) int {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	var buf [4096]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(buf[:n], []byte("VmHWM:"))
	if !ok {
		return 0
	}
	return leadingNumber(bytes.TrimLeft(rest, " \t")) << 10
}

func leadingNumber(text []byte) (n int) {
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
