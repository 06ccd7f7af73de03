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

// sandbox is what all processes of an environment share: the control group that none of them can
// leave, and their /tmp.
type sandbox struct {
	group *cgroup    // nil where there are none
	space *namespace // nil where there are none
	tmp   string     // the folder that TMPDIR names, without a namespace
	opt   string     // where the processes find the layers: /opt, or else their folder; empty without layers

	stream string // the environment's log stream, which its processes have in their variables
	strays *strays
}

// newSandbox makes the sandbox of an environment of a function whose layers are in the folder opt.
// Whoever gets it closes it.
func (s *spawner) newSandbox(cfg Function, opt, stream string) (*sandbox, error) {
	b := &sandbox{group: s.cgroups.make(cfg.MemorySize), opt: opt, stream: stream, strays: &s.strays}
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
	b.group.kill()
	b.group.remove()
	if b.group == nil {
		b.strays.kill(b.stream)
	}
	b.space.close()
	if b.tmp == "" {
		return nil
	}
	return removeAll(b.tmp)
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
