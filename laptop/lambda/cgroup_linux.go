package lambda

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cgroups makes control groups, one for every environment, so that no process of it can be lost:
// whoever leaves the process group, or its parent, stays in the control group. It is nil where
// there are none: without version 2 of cgroups, or where its files are not ours to write. See
// https://docs.kernel.org/admin-guide/cgroup-v2.html
type cgroups struct {
	dir    string
	memory bool // it limits memory too
	pids   bool // and the number of processes
}

// newCgroups makes a control group for those of the environments: beside our own if memory can be
// limited there, which needs a parent that gives that controller, or else below our own.
func newCgroups(own, name string) *cgroups {
	if own == "" {
		return nil
	}
	for _, parent := range []string{filepath.Dir(own), own} {
		dir := filepath.Join(parent, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		c := &cgroups{dir: dir}
		controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
		if err == nil {
			for name, has := range map[string]*bool{"memory": &c.memory, "pids": &c.pids} {
				*has = bytes.Contains(controllers, []byte(name)) && c.write("cgroup.subtree_control", "+"+name) == nil
			}
		}
		_, err = os.Stat(filepath.Join(dir, "cgroup.kill")) // since Linux 5.14
		if err != nil || parent != own && !c.memory || !c.admits() {
			_ = os.Remove(dir) // it is empty
			continue
		}
		return c
	}
	return nil
}

// admits says that a process can be started in a control group below c.
func (c *cgroups) admits() bool {
	g := c.make(0)
	if g == nil {
		return false
	}
	defer g.remove()
	attr := &syscall.ProcAttr{Env: []string{}, Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.fd}}
	return tryShell(attr) == nil
}

// tryShell tells whether a process can be started so, and returns when it has ended.
func tryShell(attr *syscall.ProcAttr) error {
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", ":"}, attr)
	if err != nil {
		return err
	}
	for {
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != syscall.EINTR {
			return nil
		}
	}
}

func (c *cgroups) write(file, text string) error {
	return os.WriteFile(filepath.Join(c.dir, file), []byte(text), 0)
}

// close removes what make's groups were in. They are gone.
func (c *cgroups) close() {
	if c != nil {
		_ = os.Remove(c.dir) // one that is left does no harm: it is empty
	}
}

// cgroup is an environment's control group. Its methods do nothing when it is nil.
type cgroup struct {
	fd      int     // of the folder
	procs   int     // of cgroup.procs, open for reading
	current counter // of memory.current
	name    string
	limited bool // in its memory
	counted bool // its processes and threads are limited
	frozen  bool
}

// make makes a control group in which memory may take limit MB, if that can be limited; 0 is no
// limit. It is nil if there is none.
func (c *cgroups) make(limit int) *cgroup {
	if c == nil {
		return nil
	}
	dir, err := os.MkdirTemp(c.dir, "e")
	if err != nil {
		return nil
	}
	g := openCgroup(dir)
	if g == nil {
		return nil
	}
	if c.memory && limit > 0 {
		g.limitMemory(limit)
	}
	if c.pids {
		g.limitProcesses()
	}
	return g
}

// openCgroup is the group of a folder, or nil, and then the folder is no more.
func openCgroup(dir string) *cgroup {
	g := &cgroup{name: dir, fd: -1, procs: -1}
	var err error
	g.fd, err = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		g.procs, err = unix.Openat(g.fd, "cgroup.procs", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		g.remove()
		return nil
	}
	return g
}

// limitMemory lets the group have limit MB. All of it die together, and swap is no way out. What
// cannot be limited is watched: see warden.
func (g *cgroup) limitMemory(limit int) {
	_ = g.write("memory.swap.max", "0") // not there without swap
	g.limited = g.write("memory.oom.group", "1") == nil && g.write("memory.max", strconv.Itoa(limit<<20)) == nil
}

func (g *cgroup) limitProcesses() {
	g.counted = g.write("pids.max", strconv.Itoa(maxProcesses)) == nil
}

func (g *cgroup) write(file, text string) error {
	fd, err := unix.Openat(g.fd, file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return err
}

// read returns the number that stands in a file after key, or alone, or -1.
func (g *cgroup) read(file, key string) int {
	if g == nil {
		return -1
	}
	return numberAfter(readHead(g.fd, file), key)
}

// usage is all that is charged to the group now, in bytes, or -1 if it is not known.
func (g *cgroup) usage() int {
	return g.current.read(g.fd, "memory.current")
}

// A counter is a file with a number that is read again and again, after every invocation that is not
// quick, and so kept open. Its methods may be called from several goroutines: those of an environment's
// processes and the warden's.
type counter struct {
	mu sync.Mutex
	fd int // 0 until the first read, -1 after close
}

// read returns the number that the file of the folder dir begins with, or -1.
func (c *counter) read(dir int, file string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd == 0 {
		fd, err := unix.Openat(dir, file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1
		}
		c.fd = fd
	}
	var buf [32]byte
	n, err := unix.Pread(c.fd, buf[:], 0)
	if err != nil {
		return -1
	}
	return numberAfter(string(buf[:n]), "")
}

// close gives the file up: a later read has no number, not that of whatever has the descriptor then.
func (c *counter) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd > 0 {
		unix.Close(c.fd)
	}
	c.fd = -1
}

// parts are what of it is the processes' own and what is in tmpfs or shared, in bytes.
func (g *cgroup) parts() (own, shared int) {
	text := readHead(g.fd, "memory.stat")
	return numberAfter(text, "anon "), numberAfter(text, "shmem ")
}

// readHead returns the beginning of a file of the folder fd, in which is what is asked for; it is empty
// if there is none.
func readHead(fd int, file string) string {
	fd, err := unix.Openat(fd, file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var buf [1024]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// numberAfter is the number in the first line that is key and a number, or -1.
func numberAfter(text, key string) int {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			if number, err := strconv.Atoi(strings.TrimSpace(rest)); err == nil {
				return number
			}
		}
	}
	return -1
}

// processes calls each for every process in the group.
func (g *cgroup) processes(each func(pid int)) {
	if g == nil {
		return
	}
	var buf [8 << 10]byte // a thousand pids
	n, err := unix.Pread(g.procs, buf[:], 0)
	if err != nil {
		return
	}
	pid := 0
	for _, c := range buf[:n] {
		if c == '\n' {
			each(pid)
			pid = 0
			continue
		}
		pid = pid*10 + int(c-'0')
	}
}

// freeze stops those processes of the group that are not in the process groups that are known, which
// SIGSTOP has reached.
func (g *cgroup) freeze(known func(group int) bool) {
	strays := false
	g.processes(func(pid int) {
		if !strays && !known(pid) {
			group, err := unix.Getpgid(pid)
			strays = err == nil && !known(group)
		}
	})
	if strays {
		g.frozen = g.write("cgroup.freeze", "1") == nil
	}
}

func (g *cgroup) thaw() {
	if g != nil && g.frozen {
		_ = g.write("cgroup.freeze", "0") // the file is there, as it was for freeze
		g.frozen = false
	}
}

// kill ends all processes of the group, frozen ones too.
func (g *cgroup) kill() {
	if g != nil {
		_ = g.write("cgroup.kill", "1") // the file was there when the group was made
	}
}

func (g *cgroup) isLimited() bool { return g != nil && g.limited }

func (g *cgroup) isCounted() bool { return g != nil && g.counted }

// outOfMemory says that the system has killed a process for its memory.
func (g *cgroup) outOfMemory() bool {
	return g != nil && g.limited && g.read("memory.events", "oom_kill ") > 0
}

// removeTries is how often, a millisecond apart, a group is tried whose processes are on their way out.
const removeTries = 2000

// remove gives the group up, once its processes have gone.
func (g *cgroup) remove() {
	if g == nil {
		return
	}
	for _, fd := range []int{g.fd, g.procs} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	g.current.close()
	removeGroup(g.name)
}

// removeGroup removes the folder of a group, once its processes have gone.
func removeGroup(dir string) {
	for range removeTries {
		if err := unix.Rmdir(dir); err != unix.EBUSY {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
