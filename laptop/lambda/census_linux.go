package lambda

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// canWatch says that the memory and the number of processes can be looked at.
const canWatch = true

// census is what one look at /proc tells of all processes of the machine. One serves all environments,
// and so costs the same for one of them and for a hundred.
type census struct {
	processes map[int]counted
	groups    map[int][]int // the processes of each process group
	children  map[int][]int
}

type counted struct{ threads, resident int } // resident in bytes

func takeCensus() census {
	c := census{processes: map[int]counted{}, groups: map[int][]int{}, children: map[int][]int{}}
	dir, err := os.Open("/proc")
	if err != nil {
		return c
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return c
	}
	page := os.Getpagesize()
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		var buf [1024]byte
		if stat, ok := readStat(name, buf[:]); ok {
			c.processes[pid] = counted{stat.threads, stat.pages * page}
			c.groups[stat.group] = append(c.groups[stat.group], pid)
			c.children[stat.parent] = append(c.children[stat.parent], pid)
		}
	}
	return c
}

// of counts the threads, and what is resident, of the processes in the groups, of the others that are
// named, and of all that these have started and that still have them as parents. Pages that processes
// share count for each.
func (c census) of(groups, others []int) (threads, resident int) {
	seen := map[int]bool{}
	next := others
	for _, group := range groups {
		next = append(next, c.groups[group]...)
	}
	for len(next) > 0 {
		pid := next[len(next)-1]
		next = next[:len(next)-1]
		p, ok := c.processes[pid]
		if !ok || seen[pid] {
			continue
		}
		seen[pid] = true
		threads += p.threads
		resident += p.resident
		next = append(next, c.children[pid]...)
	}
	return threads, resident
}

// stat is some of /proc/PID/stat, see proc_pid_stat(5).
type stat struct{ parent, group, threads, pages int }

// readStat reads it with buf, unless the process has just ended.
func readStat(pid string, buf []byte) (s stat, ok bool) {
	fd, err := unix.Open("/proc/"+pid+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return s, false
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return s, false
	}
	end := bytes.LastIndexByte(buf[:n], ')') // of the name, which may hold anything
	fields := bytes.Fields(buf[end+1 : n])
	if end < 0 || len(fields) < 22 {
		return s, false
	}
	return stat{leadingNumber(fields[1]), leadingNumber(fields[2]), leadingNumber(fields[17]), leadingNumber(fields[21])}, true
}
