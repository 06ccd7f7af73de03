package lambda

import (
	"bytes"
	"os"
	"strconv"
	"testing"
)

// processState is the letter in /proc/<pid>/stat: T for a stopped process, Z for a dead one, 0
// when there is none.
func processState(pid int) byte {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	return data[bytes.LastIndexByte(data, ')')+2]
}

func zombie(pid int) bool { return processState(pid) == 'Z' }

// descriptors is how many file descriptors this process has open.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// awaitFreeze waits until a process is stopped.
func awaitFreeze(t testing.TB, pid int) {
	t.Helper()
	eventually(t, "the freeze", func() bool { return processState(pid) == 'T' })
}
