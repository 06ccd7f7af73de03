package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// namespaces makes mount namespaces in which /tmp is an environment's own, in memory and of a
// limited size, the code and the control groups cannot be written to, not even by root, and a
// function's layers are at /opt. Whoever may mount can undo that, as can all processes of root. It is nil where this process may not make them: it needs CAP_SYS_ADMIN.
//
// A thread has a mount namespace of its own once it has left its process's, and what it starts gets
// the same. So the spawner's thread, which starts everything, goes into an environment's namespace
// to start a process, and comes back. All methods are for that thread.
type namespaces struct {
	home int    // the thread's own namespace
	code string // the folder with all functions' code
	opt  bool   // a function's layers can be put over /opt

	groups []string // where control groups are mounted, which a process would leave its own by
}

// namespace is an environment's. Its methods do nothing when it is nil.
type namespace struct{ fd, tmp int } // tmp is the folder /tmp in there

// stored is how many bytes of memory the files in /tmp take.
func (s *namespace) stored() int {
	var fs unix.Statfs_t
	if s == nil || unix.Fstatfs(s.tmp, &fs) != nil { // which an open folder of a tmpfs does not refuse
		return 0
	}
	return int(fs.Blocks-fs.Bfree) * int(fs.Bsize)
}

func newNamespaces(code string) *namespaces {
	// Mounts that are made outside later are seen inside, and not the other way round.
	if unix.Unshare(unix.CLONE_NEWNS) != nil || unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "") != nil {
		return nil
	}
	home, err := openNamespace()
	if err != nil {
		return nil
	}
	n := &namespaces{home: home, code: code, groups: cgroupMounts()}
	if err := os.MkdirAll(code, 0o700); err != nil {
		n.close()
		return nil
	}
	// The first try is one with layers. Without /opt there is nothing to put them over.
	n.opt = !hides("/opt", code)
	try, err := n.make(1, code)
	if err != nil && n.opt {
		n.opt = false
		try, err = n.make(1, code)
	}
	if err != nil {
		n.close()
		return nil
	}
	try.close()
	return n
}

// hides says that what is put over a folder hides another one, or that it cannot be known.
func hides(folder, other string) bool {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return true
	}
	other, err = filepath.EvalSymlinks(other)
	if err != nil {
		return true
	}
	way, err := filepath.Rel(folder, other)
	return err != nil || filepath.IsLocal(way)
}

// putsLayers says that make's namespaces have a function's layers at /opt.
func (n *namespaces) putsLayers() bool { return n != nil && n.opt }

func openNamespace() (int, error) {
	return unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// make makes a namespace whose /tmp has size MB and whose /opt is the folder opt, which is one below
// the code, unless that is empty or putsLayers is false. It is nil if n is.
func (n *namespaces) make(size int, opt string) (*namespace, error) {
	if n == nil {
		return nil, nil
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, err
	}
	err := n.mount(size, opt)
	space := &namespace{-1, -1}
	if err == nil {
		space.fd, err = openNamespace()
	}
	if err == nil {
		space.tmp, err = unix.Open("/tmp", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if back := unix.Setns(n.home, unix.CLONE_NEWNS); err == nil {
		err = back
	}
	if err != nil {
		space.close()
		return nil, err
	}
	return space, nil
}

// mount puts an empty file system over /tmp and the code where it was, below /tmp too, read-only,
// and the layers over /opt. The control groups, where they are, become read-only.
func (n *namespaces) mount(size int, opt string) error {
	code, err := unix.Open(n.code, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", n.code, err)
	}
	defer unix.Close(code)
	if err := unix.Mount("tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size="+strconv.Itoa(size)+"m"); err != nil {
		return fmt.Errorf("mounting /tmp: %w", err)
	}
	if _, err := os.Stat(n.code); errors.Is(err, os.ErrNotExist) {
		err = os.MkdirAll(n.code, 0o755)
		if err != nil {
			return err
		}
	}
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(code), n.code, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", filepath.Clean(n.code), err)
	}
	if err := unix.Mount("", n.code, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("making %s read-only: %w", n.code, err)
	}
	for _, dir := range n.groups {
		if err := readOnly(dir); err != nil {
			return err
		}
	}
	if opt == "" || !n.opt {
		return nil
	}
	// A folder of a mount that is read-only is so in its other place too.
	if err := unix.Mount(opt, "/opt", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting the layers of %s at /opt: %w", opt, err)
	}
	return nil
}

// readOnly lets nobody of the namespace write to a mount. What it forbids already it goes on to forbid.
func readOnly(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	forbidden := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC) // statfs(2) has the same numbers
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|forbidden, ""); err != nil {
		return fmt.Errorf("making %s read-only: %w", dir, err)
	}
	return nil
}

// within calls f in the namespace, or where the thread is when it is nil.
func (n *namespaces) within(space *namespace, f func()) error {
	if space == nil {
		f()
		return nil
	}
	if err := unix.Setns(space.fd, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("entering an environment's namespace: %w", err)
	}
	f()
	return unix.Setns(n.home, unix.CLONE_NEWNS)
}

func (n *namespaces) close() {
	if n != nil {
		unix.Close(n.home)
	}
}

func (s *namespace) close() {
	if s == nil {
		return
	}
	for _, fd := range []int{s.fd, s.tmp} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
