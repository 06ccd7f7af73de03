package command

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// keepDescriptors keeps from everything that this program starts, functions and builds, the files that
// it has itself got open from whoever started it, but for the standard three. What Go opens is
// closed in children anyway. It is to be called before anything is started.
func keepDescriptors() error {
	names, err := openDescriptors("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) { // macOS
		names, err = openDescriptors("/dev/fd")
	}
	if err != nil {
		return fmt.Errorf("what this program starts may find files open that its shell has opened: they cannot be listed: %w", err)
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// openDescriptors are the numbers of those that are open, the one for the list itself among them.
func openDescriptors(folder string) ([]string, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
