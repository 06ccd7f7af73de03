package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The limits of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxDescriptors = 1024
	maxProcesses   = 1024
)

// sandbox is what all processes of an environment share: the control groups that none of them can
// leave, and their /tmp.
type sandbox struct {
	group *cgroup    // nil where there are none
	older *cgroup1   // nil where there are none, or nothing for them to do
	space *namespace // nil where there are none
	tmp   string     // the folder that TMPDIR names, without a namespace
	opt   string     // where the processes find the layers: /opt, or else their folder; empty without layers

	stream string // the environment's log stream, which its processes have in their variables
	mark   mark   // which all its processes have
	strays *strays
}

// newSandbox makes the sandbox of an environment of a function whose layers are in the folder opt.
// Whoever gets it closes it.
func (s *spawner) newSandbox(cfg Function, opt, stream string) (*sandbox, error) {
	limit := cfg.MemorySize
	if s.namespaces != nil {
		limit += room(cfg.EphemeralStorage)
	}
	b := &sandbox{group: s.cgroups.make(limit), older: s.older.make(limit), opt: opt, stream: stream,
		mark: s.strays.next(), strays: &s.strays}
	var err error
	s.do(func() { b.space, err = s.namespaces.make(cfg.EphemeralStorage, opt) })
	if err == nil && b.space == nil {
		if err = os.MkdirAll(s.tmp, 0o700); err == nil {
			b.tmp, err = os.MkdirTemp(s.tmp, "")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making an environment's file system: %w", err), b.close())
	}
	if opt != "" && s.namespaces.putsLayers() {
		b.opt = "/opt"
	}
	return b, nil
}

// close ends every process that is left and gives back what was the environment's.
func (b *sandbox) close() error {
	if b == nil {
		return nil
	}
	b.kill()
	b.group.remove()
	b.older.remove()
	b.strays.kill(b.mark, b.stream)
	b.space.close()
	if b.tmp == "" {
		return nil
	}
	return removeAll(b.tmp)
}

// kill ends all processes that are in the control groups.
func (b *sandbox) kill() {
	if b == nil {
		return
	}
	b.group.kill()
	if b.group == nil {
		b.older.kill()
	}
}

// processes are all that the control groups know of.
func (b *sandbox) processes() (pids []int) {
	b.group.processes(func(pid int) { pids = append(pids, pid) })
	if b.group == nil {
		pids = b.older.processes()
	}
	return pids
}

// How the memory of an environment is held to its size, in the words of the REPORT line.
const (
	heldByCgroup  = "cgroup v2"
	heldByCgroup1 = "cgroup v1"
	heldByWarden  = "watched"
	heldByNobody  = "none"
)

// memoryLimit is one of those.
func (b *sandbox) memoryLimit() string {
	switch {
	case b == nil:
		return heldByNobody
	case b.group.isLimited():
		return heldByCgroup
	case b.older.limitsMemory():
		return heldByCgroup1
	case canWatch:
		return heldByWarden
	}
	return heldByNobody
}

// limitsProcesses says that the system limits the number of processes and threads.
func (b *sandbox) limitsProcesses() bool {
	return b != nil && (b.group.isCounted() || b.older.limitsProcesses())
}

// watched says that the warden has something to do for the environment.
func (b *sandbox) watched() bool {
	return b.memoryLimit() != heldByCgroup || !b.limitsProcesses() || b.tmp != "" || b.chargedForTmp()
}

// outOfMemory says that the system has killed a process for its memory.
func (b *sandbox) outOfMemory() bool { return b.group.outOfMemory() || b.older.outOfMemory() }

// peak is the most memory that the processes have had at once, in bytes, where the system knows it. It
// does not know it apart from a /tmp that is charged for: then it is what they have now, unless that is
// atLeast or less.
func (b *sandbox) peak(atLeast int) int {
	switch {
	case b == nil:
		return 0
	case b.chargedForTmp():
		return b.use(atLeast)
	case b.group.isLimited():
		return b.group.read("memory.peak", "")
	}
	return b.older.peak()
}

// removeAll is os.RemoveAll, also where a function has made folders that may not be written to.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	// What cannot be changed cannot be removed either, which is told then.
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// stored is how many bytes the files below the sandbox's own folder have. A namespace's are
// limited by the system.
func (b *sandbox) stored() int64 {
	total := int64(0)
	if b == nil || b.tmp == "" {
		return total
	}
	// A file that goes away while it is looked at has no size.
	_ = filepath.WalkDir(b.tmp, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
