//go:build unix && !linux

package lambda

// There are neither control groups nor mount namespaces here. See the table of docs/laptop.md.
type (
	cgroups    struct{ memory, pids bool }
	cgroup     struct{}
	cgroups1   struct{}
	cgroup1    struct{}
	namespaces struct{}
	namespace  struct{}
)

// canWatch says that the memory and the number of processes can be looked at.
const canWatch = false

func newControlGroups() (*cgroups, *cgroups1) { return nil, nil }

func (*cgroups) make(int) *cgroup { return nil }
func (*cgroups) close()           {}

func (*cgroup) processes(func(pid int)) {}
func (*cgroup) read(string, string) int { return 0 }
func (*cgroup) freeze(func(int) bool)   {}
func (*cgroup) thaw()                   {}
func (*cgroup) kill()                   {}
func (*cgroup) remove()                 {}
func (*cgroup) isLimited() bool         { return false }
func (*cgroup) isCounted() bool         { return false }
func (*cgroup) outOfMemory() bool       { return false }
func (*cgroup) usage() int              { return -1 }
func (*cgroup) parts() (int, int)       { return -1, -1 }

func (*cgroups1) within(_ *cgroup1, f func()) error {
	f()
	return nil
}

func (*cgroups1) make(int) *cgroup1     { return nil }
func (*cgroups1) close()                {}
func (*cgroups1) limitsMemory() bool    { return false }
func (*cgroups1) limitsProcesses() bool { return false }

func (*cgroup1) kill()                 {}
func (*cgroup1) remove()               {}
func (*cgroup1) limitsMemory() bool    { return false }
func (*cgroup1) limitsProcesses() bool { return false }
func (*cgroup1) outOfMemory() bool     { return false }
func (*cgroup1) peak() int             { return 0 }
func (*cgroup1) processes() []int      { return nil }
func (*cgroup1) usage() int            { return -1 }
func (*cgroup1) parts() (int, int)     { return -1, -1 }

func newNamespaces(string) *namespaces { return nil }

func (*namespaces) make(int, string) (*namespace, error) { return nil, nil }
func (*namespaces) putsLayers() bool                     { return false }
func (*namespaces) close()                               {}

func (*namespaces) within(_ *namespace, f func()) error {
	f()
	return nil
}

func (*namespace) close()      {}
func (*namespace) stored() int { return 0 }

// strays are not looked for here: what leaves its process group outlives its environment.
type strays struct{}

func (*strays) open()             {}
func (*strays) next() mark        { return mark{} }
func (*strays) kill(mark, string) {}

// mark is what would tell an environment's processes from others.
type mark struct{}

func (mark) put(int) {}

func lastRites(*cgroups, *cgroups1, *strays, string) (script string, args []string) { return "", nil }

// census would tell of all processes of the machine.
type census struct{}

func takeCensus() census { return census{} }

func (census) of(groups, others []int) (threads, resident int) { return 0, 0 }
