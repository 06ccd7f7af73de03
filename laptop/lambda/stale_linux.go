package lambda

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// groupName begins the names of our control groups; the process that made one stands behind it.
const groupName = "ephor-lambda-"

// removeStale removes from folders the control groups that processes have left which were killed. One
// that has a process in it yet stays: the kernel does not remove it.
func removeStale(folders ...string) {
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // there is none, or it is not ours to look into
		}
		for _, e := range entries {
			if !e.IsDir() || !ofTheDead(e.Name()) {
				continue
			}
			dir := filepath.Join(folder, e.Name())
			below, err := os.ReadDir(dir)
			if err != nil {
				continue
			}
			for _, environment := range below {
				if environment.IsDir() {
					_ = os.Remove(filepath.Join(dir, environment.Name())) // else it is in use
				}
			}
			_ = os.Remove(dir)
		}
	}
}

// ofTheDead says that the process is gone that is named in a group's name, or a test's, ephor-lambda-test-PID-….
func ofTheDead(name string) bool {
	rest, ours := strings.CutPrefix(name, groupName)
	number, _, more := strings.Cut(strings.TrimPrefix(rest, "test-"), "-")
	pid, err := strconv.Atoi(number)
	return ours && more && err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
