//go:build unix && !linux

package lambda

// There are neither control groups nor mount namespaces here. See the table of docs/laptop.md.
type (
	cgroups    struct{ memory, pids bool }
	cgroup     struct{}
	namespaces struct{}
	namespace  struct{}
)

func newCgroups() *cgroups { return nil }

func (*cgroups) make(int) *cgroup { return nil }
func (*cgroups) close()           {}

func (*cgroup) processes(func(pid int)) {}
func (*cgroup) read(string, string) int { return -1 }
func (*cgroup) freeze(func(int) bool)   {}
func (*cgroup) thaw()                   {}
func (*cgroup) kill()                   {}
func (*cgroup) remove()                 {}
func (*cgroup) isLimited() bool         { return false }
func (*cgroup) outOfMemory() bool       { return false }

func newNamespaces(string) *namespaces { return nil }

func (*namespaces) make(int, string) (*namespace, error) { return nil, nil }
func (*namespaces) putsLayers() bool                     { return false }
func (*namespaces) close()                               {}

func (*namespaces) within(_ *namespace, f func()) error {
	f()
	return nil
}

func (*namespace) close() {}

// strays are not looked for here: what leaves its process group outlives its environment.
type strays struct{}

func (*strays) kill(string) {}

func lastRites(*cgroups, string) (script string, args []string) { return "", nil }
