//go:build unix

package metrics

import "syscall"

// tellsSilence says that isSilent can tell.
const tellsSilence = true

// isSilent says that there is nothing to read from a socket, not even its end.
func isSilent(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|dontWait)
	return err == syscall.EAGAIN || err == syscall.EINTR
}
