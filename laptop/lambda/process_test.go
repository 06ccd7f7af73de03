package lambda

import (
	"runtime"
	"syscall"
)

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func hostArchitecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// processGone says that no process of that pid runs. One that nobody has reaped yet, because its
// parent has died and init is slow, is gone too.
func processGone(pid int) bool { return !alive(pid) || zombie(pid) }
