//go:build unix

package metrics

import (
	"net"
	"os"
	"syscall"
	"time"
)

// An aside is a connection that Go's poller does not know. What comes on it wakes no thread of the
// process until it is read, and then the reader alone: an extension's event comes at the same time
// as the handler's, and so does not delay it.
type aside struct {
	*os.File
	local, remote net.Addr
}

// setAside takes a connection's socket out of the poller, if it has one, and closes the connection, which it does
// with an error too.
func setAside(conn net.Conn) (ours net.Conn, err error) {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return conn, nil
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, failed := -1, error(nil)
	if err := raw.Control(func(old uintptr) { fd, failed = duplicate(int(old)) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, os.NewSyscallError("dup", failed)
	}
	local, remote := conn.LocalAddr(), conn.RemoteAddr()
	if err := conn.Close(); err != nil { // this is what takes it out
		syscall.Close(fd)
		return nil, err
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return &aside{os.NewFile(uintptr(fd), remote.String()), local, remote}, nil
}

// duplicate makes a descriptor that no child inherits.
func duplicate(old int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Dup(old)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// SetDeadline ends what is under way and all that comes after, whichever time it is given, the zero time too: a
// wire sets one to end an exchange, and takes it back only from a connection that it uses no more.
func (a *aside) SetDeadline(time.Time) error {
	raw, err := a.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) }); err != nil {
		return err
	}
	return failed
}

// SetReadDeadline is SetDeadline.
func (a *aside) SetReadDeadline(t time.Time) error { return a.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (a *aside) SetWriteDeadline(t time.Time) error { return a.SetDeadline(t) }

// LocalAddr is the connection's.
func (a *aside) LocalAddr() net.Addr { return a.local }

// RemoteAddr is the connection's.
func (a *aside) RemoteAddr() net.Addr { return a.remote }
