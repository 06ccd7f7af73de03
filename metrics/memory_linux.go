package metrics

import (
	"bytes"
	"os"
	"strconv"
)

// A memory reads how much of the machine's memory the process holds: its resident set now, which
// is what Lambda's limit is about. The maximum over invocations comes near the Max Memory Used of
// Lambda's REPORT lines. (getrusage has a maximum too, but a process inherits that from whoever
// started it.)
//
// https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
type memory struct {
	statm *os.File
}

func openMemory() memory {
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return memory{} // megabytes then says 0
	}
	return memory{f}
}

// megabytes is 0 where it cannot be told. Reading it costs a few microseconds.
func (m memory) megabytes() float64 {
	var buf [128]byte
	if m.statm == nil {
		return 0
	}
	n, _ := m.statm.ReadAt(buf[:], 0) // io.EOF, with what was read
	fields := bytes.Fields(buf[:n])
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}

func (m memory) close() {
	if m.statm != nil {
		m.statm.Close()
	}
}
