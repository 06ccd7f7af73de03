package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock is held by the one `up` of an application's state: a POSIX record lock, which the kernel
// lets go of when the process ends, however it ends. Within one process it excludes nobody.
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

// acquire takes the lock of the state in dir, which is made if missing. A folder that holds
// something else and is no state is refused.
func acquire(dir string) (*lock, error) {
	if err := checkState(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	f, err := os.OpenFile(lockFile(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the state's lock: %w", err)
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &whole)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		pid, herr := holder(f)
		return nil, errors.Join(&lockedError{Dir: dir, PID: pid}, herr, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("locking the state %s: %w", dir, err), f.Close())
	}
	return &lock{f}, nil
}

// release lets go. The file stays: removing it would let two processes lock two files of the
// same name.
func (l *lock) release() error { return l.f.Close() }

func lockFile(dir string) string { return filepath.Join(dir, "lock") }

// foreignError is a folder that is no state.
type foreignError struct{ Dir string }

func (e *foreignError) Error() string {
	return fmt.Sprintf("%s is not a state of an earlier up, and not empty", e.Dir)
}

func checkState(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return fmt.Errorf("looking at the state folder: %w", err)
	}
	if _, err := os.Stat(lockFile(dir)); err != nil {
		return &foreignError{dir}
	}
	return nil
}

// running is the process that holds the lock of the state in dir, or 0 if none does. It takes
// nothing itself, so that it never stands in the way of an `up` that starts.
func running(dir string) (pid int, err error) {
	f, err := os.Open(lockFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("opening the state's lock: %w", err)
	}
	pid, err = holder(f)
	return pid, errors.Join(err, f.Close())
}

// holder is the process that holds the lock, 0 if none does. The kernel tells:
// https://man7.org/linux/man-pages/man2/fcntl_locking.2.html
func holder(f *os.File) (pid int, err error) {
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &whole); err != nil {
		return 0, fmt.Errorf("asking who holds %s: %w", f.Name(), err)
	}
	if whole.Type == unix.F_UNLCK {
		return 0, nil
	}
	return int(whole.Pid), nil
}
