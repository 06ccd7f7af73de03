//go:build !ephor_lambda

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lock is held by the one `up` of an application's state. The kernel lets go of it when the
// process ends, however it ends.
type lock struct{ f *os.File }

// lockedError is a state that another process holds.
type lockedError struct {
	Dir string
	PID int // 0 if it cannot be told
}

func (e *lockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use by another up", e.Dir)
	}
	return fmt.Sprintf("%s is in use by another up, process %d", e.Dir, e.PID)
}

// acquire takes the lock of the state in dir, which is made if missing.
func acquire(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the state's lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &lockedError{Dir: dir, PID: holder(dir)}
		}
		return nil, fmt.Errorf("locking the state %s: %w", dir, err)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the state's lock: %w", err)
	}
	return &lock{f}, nil
}

// release lets go. The file stays: removing it would let two processes lock two files of the
// same name.
func (l *lock) release() error { return l.f.Close() }

// running is the process that holds the lock of the state in dir, or 0 if none does.
func running(dir string) (pid int, err error) {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("opening the state's lock: %w", err)
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return holder(dir), nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking for the lock of %s: %w", dir, err)
	}
	return 0, nil
}

// holder is the process ID that the lock's holder wrote, or 0 before it did.
func holder(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}
