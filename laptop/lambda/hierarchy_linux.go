package lambda

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hierarchies are the folders of the control groups that a process is in. A machine may have both
// versions at once, each controller in one of them: see
// https://docs.kernel.org/admin-guide/cgroup-v2.html#mounting
type hierarchies struct {
	unified string            // of version 2, empty where there is none
	older   map[string]string // of version 1, by controller
}

// ownHierarchies are this process's.
func ownHierarchies() hierarchies {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return hierarchies{}
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return hierarchies{}
	}
	return findHierarchies(string(mounts), string(groups))
}

// findHierarchies reads what /proc/PID/mountinfo and /proc/PID/cgroup say. A group outside of what is
// mounted is left out, as one in a container may be.
func findHierarchies(mounts, groups string) hierarchies {
	own := map[string]string{} // by controller; version 2's has an empty name
	for line := range strings.Lines(groups) {
		// 4:cpu,cpuacct:/user.slice
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || strings.HasPrefix(fields[2], "/..") {
			continue
		}
		for controller := range strings.SplitSeq(fields[1], ",") {
			own[controller] = fields[2]
		}
	}
	h := hierarchies{older: map[string]string{}}
	for _, m := range mountsOf(mounts) {
		folder := func(controller string) (string, bool) {
			path, ok := own[controller]
			if !ok {
				return "", false
			}
			below, ok := strings.CutPrefix(path, strings.TrimSuffix(m.root, "/"))
			return filepath.Join(m.at, below), ok
		}
		switch m.kind {
		case "cgroup2":
			if path, ok := folder(""); ok && h.unified == "" {
				h.unified = path
			}
		case "cgroup":
			for _, controller := range []string{"memory", "pids"} {
				if path, ok := folder(controller); ok && slices.Contains(m.options, controller) {
					h.older[controller] = path
				}
			}
		}
	}
	return h
}

// mounted is one line of /proc/PID/mountinfo: what of a file system is seen where.
type mounted struct {
	root, at, kind string
	options        []string // of the file system
}

func mountsOf(mountinfo string) (all []mounted) {
	for line := range strings.Lines(mountinfo) {
		// 36 35 98:0 <root> <mount point> <options> … - <type> <source> <options of the type>
		head, tail, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, kind := strings.Fields(head), strings.Fields(tail)
		if !ok || len(fields) < 6 || len(kind) < 3 {
			continue
		}
		all = append(all, mounted{root: fields[3], at: fields[4], kind: kind[0], options: strings.Split(kind[2], ",")})
	}
	return all
}

// cgroupMounts are the mount points of all control groups, of either version, those of controllers that
// are not used here included. It is for the spawner's thread, which may have mounts of its own.
func cgroupMounts() (folders []string) {
	mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil { // without /proc there are no control groups either
		return nil
	}
	for _, m := range mountsOf(string(mounts)) {
		if strings.HasPrefix(m.kind, "cgroup") {
			folders = append(folders, m.at)
		}
	}
	return folders
}

// newControlGroups makes the control groups in which those of the environments are. Version 1
// limits what version 2 does not limit here. It is for the spawner's thread.
func newControlGroups() (*cgroups, *cgroups1) {
	own := ownHierarchies()
	if own.unified != "" {
		removeStale(filepath.Dir(own.unified), own.unified)
	}
	removeStale(own.older["memory"], own.older["pids"])
	name := groupName + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	c := newCgroups(own.unified, name)
	if c != nil && c.memory {
		delete(own.older, "memory")
	}
	if c != nil && c.pids {
		delete(own.older, "pids")
	}
	return c, newCgroups1(own.older, name)
}
