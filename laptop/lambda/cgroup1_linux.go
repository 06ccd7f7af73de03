package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cgroups1 makes control groups of version 1, in which the memory and the number of processes of an
// environment are limited where version 2 cannot do it. It is nil where neither can be had. See
// https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and
// https://docs.kernel.org/admin-guide/cgroup-v1/pids.html
type cgroups1 struct {
	memory, pids string // the folders for those of the environments; empty where there is none
}

// newCgroups1 makes a folder for those of the environments below each of own, this process's, by
// controller. It is for within's thread.
func newCgroups1(own map[string]string, name string) *cgroups1 {
	c := &cgroups1{}
	for controller, to := range map[string]*string{"memory": &c.memory, "pids": &c.pids} {
		if own[controller] == "" {
			continue
		}
		dir := filepath.Join(own[controller], name)
		if os.Mkdir(dir, 0o755) == nil {
			*to = dir
		}
	}
	// What a first group does not get, none will.
	g := c.make(128)
	err := c.try(g)
	g.remove()
	if !g.limitsMemory() || err != nil {
		c.memory = giveUp(c.memory)
	}
	if !g.limitsProcesses() || err != nil {
		c.pids = giveUp(c.pids)
	}
	if c.memory == "" && c.pids == "" {
		return nil
	}
	return c
}

// giveUp removes a folder, which is empty, and returns what stands for none.
func giveUp(dir string) string {
	if dir != "" {
		_ = os.Remove(dir) // one that is left does no harm
	}
	return ""
}

// folders are those that there are.
func (c *cgroups1) folders() []string {
	if c == nil {
		return nil
	}
	return present(c.memory, c.pids)
}

func present(names ...string) (all []string) {
	for _, name := range names {
		if name != "" {
			all = append(all, name)
		}
	}
	return all
}

func (c *cgroups1) limitsMemory() bool    { return c != nil && c.memory != "" }
func (c *cgroups1) limitsProcesses() bool { return c != nil && c.pids != "" }

// close removes what make's groups were in. They are gone.
func (c *cgroups1) close() {
	for _, dir := range c.folders() {
		_ = os.Remove(dir) // one that is left does no harm: it is empty
	}
}

// cgroup1 is an environment's. Its methods do nothing when it is nil.
type cgroup1 struct {
	memory, pids string  // its folders; empty where it is not limited
	used         counter // of memory.usage_in_bytes
}

// make makes a group in which memory may take limit MB. It is nil if there is none.
func (c *cgroups1) make(limit int) *cgroup1 {
	if c == nil {
		return nil
	}
	g := &cgroup1{}
	if c.memory != "" {
		if dir, err := os.MkdirTemp(c.memory, "e"); err == nil {
			g.memory = dir
			if !limitMemory1(dir, limit) {
				g.memory = ""
				removeGroup(dir)
			}
		}
	}
	if c.pids != "" {
		if dir, err := os.MkdirTemp(c.pids, "e"); err == nil {
			g.pids = dir
			if writeFile(dir, "pids.max", strconv.Itoa(maxProcesses)) != nil {
				g.pids = ""
				removeGroup(dir)
			}
		}
	}
	if g.memory == "" && g.pids == "" {
		return nil
	}
	return g
}

// limitMemory1 lets the group of a folder have limit MB, swap included, and reports whether the system
// both does that and tells when it has killed a process for it, as it does since Linux 4.13.
func limitMemory1(dir string, limit int) bool {
	bytes := strconv.Itoa(limit << 20)
	if writeFile(dir, "memory.limit_in_bytes", bytes) != nil {
		return false
	}
	_ = writeFile(dir, "memory.memsw.limit_in_bytes", bytes) // not there without swap
	return readNumber(dir, "memory.oom_control", "oom_kill ") >= 0
}

// writeFile writes a file that is there.
func writeFile(dir, file, text string) error {
	path := filepath.Join(dir, file)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readNumber returns the number that stands in a file after key, or alone, or -1.
func readNumber(dir, file, key string) int {
	return numberAfter(readHead(unix.AT_FDCWD, filepath.Join(dir, file)), key)
}

// within calls f with the thread in the group, for f to start a process in it: version 1 has no other
// way for a process to be in a group from its first moment. It is the spawner's thread, which has been
// locked. f is not called if the thread cannot go there.
func (c *cgroups1) within(g *cgroup1, f func()) error {
	var err error
	for _, dir := range g.folders() {
		err = errors.Join(err, moveThread(dir))
	}
	if err == nil {
		f()
	}
	for _, dir := range g.folders() {
		err = errors.Join(err, moveThread(filepath.Dir(filepath.Dir(dir)))) // our own
	}
	return err
}

// moveThread moves the calling thread. The kernel moves a thread that asks for itself, as 0, without the
// lock that holds up every fork of the machine, and would be waited for.
func moveThread(dir string) error { return writeFile(dir, "tasks", "0") }

// try tells whether a process can be started in the group. It is for within's thread.
func (c *cgroups1) try(g *cgroup1) error {
	var started error
	err := c.within(g, func() { started = tryShell(&syscall.ProcAttr{Env: []string{}}) })
	return errors.Join(err, started)
}

// folders are those that there are.
func (g *cgroup1) folders() []string {
	if g == nil {
		return nil
	}
	return present(g.memory, g.pids)
}

func (g *cgroup1) limitsMemory() bool    { return g != nil && g.memory != "" }
func (g *cgroup1) limitsProcesses() bool { return g != nil && g.pids != "" }

// outOfMemory says that the system has killed a process for its memory. It kills one, and leaves
// the others to us.
func (g *cgroup1) outOfMemory() bool {
	return g.limitsMemory() && readNumber(g.memory, "memory.oom_control", "oom_kill ") > 0
}

// peak is the most memory that the group has had, in bytes, or -1 if it is not known.
func (g *cgroup1) peak() int {
	if !g.limitsMemory() {
		return -1
	}
	return readNumber(g.memory, "memory.max_usage_in_bytes", "")
}

// usage is all that is charged to the group now, in bytes, or -1 if it is not known.
func (g *cgroup1) usage() int {
	return g.used.read(unix.AT_FDCWD, filepath.Join(g.memory, "memory.usage_in_bytes"))
}

// parts are what of it is the processes' own and what is in tmpfs or shared, in bytes. See section 5.2
// of https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
func (g *cgroup1) parts() (own, shared int) {
	text := readHead(unix.AT_FDCWD, filepath.Join(g.memory, "memory.stat"))
	return numberAfter(text, "rss "), numberAfter(text, "shmem ")
}

// processes are all in the group.
func (g *cgroup1) processes() (pids []int) {
	for _, dir := range g.folders() {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 1 {
				pids = append(pids, pid)
			}
		}
		break // the other folder has the same
	}
	return pids
}

// killTries is how often the processes of a group are looked for, some of which may fork meanwhile.
const killTries = 100

// kill ends all processes of the group, frozen ones too.
func (g *cgroup1) kill() {
	for range killTries {
		pids := g.processes()
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		}
		time.Sleep(time.Millisecond)
	}
}

// remove gives the group up, once its processes have gone.
func (g *cgroup1) remove() {
	if g != nil {
		g.used.close()
	}
	for _, dir := range g.folders() {
		removeGroup(dir)
	}
}
