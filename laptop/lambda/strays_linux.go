package lambda

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// lastRites is what the guard's shell does when this process has died: it ends what the process
// groups do not reach. With control groups of version 2 that is one write, with those of version 1 a
// few. Then it looks for processes that have a function's environment or one of the marks, as
// strays.kill does, three times: what is found may be about to fork. What version 1 has counted is gone
// with the processes, and the folders go last.
func lastRites(c *cgroups, older *cgroups1, marks *strays, code string) (script string, args []string) {
	parts := []string{"variable=$1\nlimit=$2\nshift 2"}
	args = []string{"LAMBDA_TASK_ROOT=" + filepath.Join(code, ""), marks.pattern()}
	if c != nil {
		args = append(args, c.dir)
		parts = append(parts, `if [ -d "$1" ]; then
	echo 1 > "$1/cgroup.kill"
fi`)
	}
	args = append(args, older.folders()...)
	if c == nil && older != nil {
		parts = append(parts, `tries=0
while processes=$(cat "$1"/*/cgroup.procs 2> /dev/null) && [ -n "$processes" ] && [ "$tries" -lt 100 ]; do
	kill -KILL $processes 2> /dev/null
	tries=$((tries + 1))
done`)
	}
	parts = append(parts, `for pass in 1 2 3; do
	for file in $(grep -lsaF -e "$variable" /proc/[0-9]*/environ; grep -ls -e "$limit" /proc/[0-9]*/limits); do
		process=${file#/proc/}
		kill -KILL "${process%/*}" 2> /dev/null
	done
done`, `for folder in "$@"; do
	tries=0
	while [ -d "$folder" ] && [ "$tries" -lt 100 ]; do
		rmdir "$folder"/*/ "$folder" 2> /dev/null || sleep 0.1
		tries=$((tries + 1))
	done
done`)
	return strings.Join(parts, "\n"), args
}

// strays finds processes that have left their process group where there are no control groups, or that
// have left these too: by their environment's mark, and by AWS_LAMBDA_LOG_STREAM_NAME, which no two environments share either
// and which those have that were started before the mark was there. One search serves all environments
// that ended in the meantime.
type strays struct {
	marks
	mu     sync.Mutex
	wanted []stray // that the next search is for
	search sync.Mutex
}

// stray is what tells an environment's processes from all others.
type stray struct {
	mark   mark
	stream []byte // the variable
}

// searches is how often /proc is searched as long as more is found: what is killed may have forked.
const searches = 100

// kill ends what is left of the environment with that mark and that log stream.
func (s *strays) kill(m mark, stream string) {
	s.mu.Lock()
	s.wanted = append(s.wanted, stray{m, []byte("AWS_LAMBDA_LOG_STREAM_NAME=" + stream + "\x00")})
	s.mu.Unlock()
	s.search.Lock()
	defer s.search.Unlock()
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	if len(wanted) == 0 { // another has searched for it too
		return
	}
	found := map[int]bool{}
	for range searches {
		before := len(found)
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		for _, entry := range entries {
			if pid, err := strconv.Atoi(entry.Name()); err == nil && isOneOf(wanted, entry.Name()) {
				found[pid] = true
				end(pid, wanted)
			}
		}
		if len(found) == before {
			return
		}
	}
}

// isOneOf says that the process is of one of those environments. It is not where it has just ended.
func isOneOf(wanted []stray, pid string) bool {
	m := markOf(pid)
	environ, err := os.ReadFile("/proc/" + pid + "/environ") // of others it is an error
	return slices.ContainsFunc(wanted, func(w stray) bool {
		return m != 0 && m == w.mark || err == nil && bytes.Contains(environ, w.stream)
	})
}

// end kills a process that is of one of those environments. It looks again when it holds the process:
// until then the pid may have become another's. Before Linux 5.3 a process cannot be held.
func end(pid int, wanted []stray) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case err == unix.ESRCH:
		return
	case err != nil:
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		return
	}
	defer unix.Close(fd)
	if isOneOf(wanted, strconv.Itoa(pid)) {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) // it may have ended just now
	}
}
