//go:build unix && !aix

package metrics

import "syscall"

// dontWait has a system call on a socket return where it would wait.
const dontWait = syscall.MSG_DONTWAIT
