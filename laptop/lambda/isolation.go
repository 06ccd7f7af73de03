package lambda

import "strings"

// Isolation says, when the service is opened, what keeps the environments apart on this machine.
type Isolation struct {
	// Tmp says that an environment's /tmp is its own, with the size that was asked for as its limit.
	// Otherwise TMPDIR names a folder of its own, whose size is watched.
	Tmp bool
	// Opt says that a function's layers are at /opt. Otherwise PATH and LD_LIBRARY_PATH name their
	// folder beside /opt.
	Opt bool
	// Processes says that no process leaves its environment, unless it is root and sets out to: all are
	// frozen, and die, with it. Otherwise those that leave its process group are not frozen, and are
	// found by a mark and by their environment variables when it ends.
	Processes bool
	// Memory says that the system counts and limits what an environment takes, by control groups.
	Memory bool
	// ProcessLimit says that the system limits how many processes and threads an environment has,
	// by control groups.
	ProcessLimit bool
	// Watched says that of these two what the system does not limit is looked at, and an environment
	// that is over its limit is killed. Otherwise nothing limits it.
	Watched bool
}

func (Isolation) isEvent() {}

// Lacks says in a sentence what this machine does not do, or is empty if there is nothing.
func (i Isolation) Lacks() string {
	var lacks []string
	if !i.Tmp {
		lacks = append(lacks, "/tmp is the machine's, and TMPDIR names a folder for each (mount namespaces need root on Linux)")
	}
	if !i.Opt {
		lacks = append(lacks, "layers are not at /opt, but where PATH and LD_LIBRARY_PATH say (that needs root on Linux, and a folder /opt without this project in it)")
	}
	if !i.Processes {
		lacks = append(lacks, "a process that leaves its group is not frozen (that needs a writable cgroup v2)")
	}
	unlimited := func(what, controller string) string {
		needs := " (that needs a writable cgroup with the controller " + controller + ")"
		if i.Watched {
			return what + " is watched, not limited by the system" + needs
		}
		return "nothing limits " + what + needs
	}
	if !i.Memory {
		lacks = append(lacks, unlimited("memory", "memory"))
	}
	if !i.ProcessLimit {
		lacks = append(lacks, unlimited("the number of processes", "pids"))
	}
	if len(lacks) == 0 {
		return ""
	}
	return "execution environments on this machine: " + strings.Join(lacks, "; ")
}

func (s *spawner) isolation() Isolation {
	return Isolation{
		Tmp: s.namespaces != nil, Opt: s.namespaces.putsLayers(), Processes: s.cgroups != nil, Watched: canWatch,
		Memory:       s.cgroups != nil && s.cgroups.memory || s.older.limitsMemory(),
		ProcessLimit: s.cgroups != nil && s.cgroups.pids || s.older.limitsProcesses(),
	}
}
