package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// familyTime is the processor time that a process and its children have used, those that have ended
// included; 0 where there is no /proc.
//
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func familyTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	const ticksPerSecond = 100 // USER_HZ, the same on every machine that Go runs on
	ticks := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name stands in brackets and may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		field := func(number int) int { // as the page counts them, from 1
			n, err := strconv.Atoi(fields[number-3])
			if err != nil {
				b.Fatalf("%s: %v", file, err)
			}
			return n
		}
		self := file == "/proc/"+strconv.Itoa(pid)+"/stat"
		if self || field(4) == pid {
			ticks += field(14) + field(15)
		}
		if self {
			ticks += field(16) + field(17)
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}
