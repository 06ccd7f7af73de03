package lambda

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// mark is a number that all processes of an environment have, whatever they do to their variables,
// their session or their parents: the limit of file locks, RLIMIT_LOCKS. A process inherits its limits,
// keeps them across exec and shows them in /proc/PID/limits; without CAP_SYS_RESOURCE it can lower
// this one and not put it back. Linux has not looked at it since 2.4.25, so that it is free to mean
// something else: see https://man7.org/linux/man-pages/man2/getrlimit.2.html
//
// 0 is none. What a process starts before it is marked itself, just after its own start, has none.
type mark uint64

// marks makes a service's. All begin with the same ten digits, which no other service has, and end in nine
// that tell the environments apart. The zero value makes none.
type marks struct {
	service uint64
	last    atomic.Uint64
}

// marksOfService is by how much the marks of two services differ at least.
const marksOfService = 1_000_000_000

// open chooses the ten digits.
func (m *marks) open() { m.service = marksOfService + rand.Uint64N(9*marksOfService) }

func (m *marks) next() mark {
	if m.service == 0 {
		return 0
	}
	return mark(m.service*marksOfService + m.last.Add(1)%marksOfService)
}

// limitOfMark is how the line of /proc/PID/limits begins.
const limitOfMark = "Max file locks"

// pattern is a regular expression of grep for the line of every mark that next has given or will give:
// the second number is the one that cannot be raised.
func (m *marks) pattern() string {
	return "^" + limitOfMark + " *[0-9a-z]* *" + strconv.FormatUint(m.service, 10) + "[0-9]\\{9\\} "
}

// put marks a process, and with it all that it will start. Where the limit is lower already, as it is in
// a function of another service, it stays as it is, and the process has no mark of this one.
func (m mark) put(pid int) {
	if m != 0 {
		_ = unix.Prlimit(pid, unix.RLIMIT_LOCKS, &unix.Rlimit{Cur: uint64(m), Max: uint64(m)}, nil)
	}
}

// markOf is the mark of a process, or 0: it has none, or has just ended.
func markOf(pid string) mark {
	limits, err := os.ReadFile("/proc/" + pid + "/limits")
	if err != nil {
		return 0
	}
	_, line, ok := bytes.Cut(limits, []byte(limitOfMark))
	if !ok {
		return 0
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	fields := bytes.Fields(line) // soft limit, hard limit, unit
	if len(fields) < 2 {
		return 0
	}
	number, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil { // "unlimited"
		return 0
	}
	return mark(number)
}
