package lambda

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// lastRites is what the guard's shell does when this process has died: it ends what the process
// groups do not reach. With control groups of version 2 that is one write, with those of version 1 a
// few; without any it looks for processes that have a function's environment, as killStrays does. What
// version 1 has counted is gone with the processes, and its folders go last.
func lastRites(c *cgroups, older *cgroups1, code string) (script string, args []string) {
	var parts []string
	if c == nil && older == nil {
		return `for file in $(grep -lsaF -e "$1" /proc/[0-9]*/environ); do
	process=${file#/proc/}
	kill -KILL "${process%/environ}" 2> /dev/null
done`, []string{"LAMBDA_TASK_ROOT=" + filepath.Join(code, "")}
	}
	if c != nil {
		args = append(args, c.dir)
		parts = append(parts, `if [ -d "$1" ]; then
	echo 1 > "$1/cgroup.kill"
fi`)
	}
	args = append(args, older.folders()...)
	if c == nil {
		parts = append(parts, `tries=0
while processes=$(cat "$1"/*/cgroup.procs 2> /dev/null) && [ -n "$processes" ] && [ "$tries" -lt 100 ]; do
	kill -KILL $processes 2> /dev/null
	tries=$((tries + 1))
done`)
	}
	parts = append(parts, `for folder in "$@"; do
	tries=0
	while [ -d "$folder" ] && [ "$tries" -lt 100 ]; do
		rmdir "$folder"/*/ "$folder" 2> /dev/null || sleep 0.1
		tries=$((tries + 1))
	done
done`)
	return strings.Join(parts, "\n"), args
}

// strays finds processes that have left their process group where there are no control groups: by
// AWS_LAMBDA_LOG_STREAM_NAME, which no two environments share. A process that has got other
// variables is not found. One search serves all environments that ended in the meantime.
type strays struct {
	mu      sync.Mutex
	streams [][]byte // that the next search is for
	search  sync.Mutex
}

// kill ends what is left of the environment with that log stream.
func (s *strays) kill(stream string) {
	s.mu.Lock()
	s.streams = append(s.streams, []byte("AWS_LAMBDA_LOG_STREAM_NAME="+stream+"\x00"))
	s.mu.Unlock()
	s.search.Lock()
	defer s.search.Unlock()
	s.mu.Lock()
	streams := s.streams
	s.streams = nil
	s.mu.Unlock()
	if len(streams) == 0 { // another has searched for it too
		return
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile("/proc/" + entry.Name() + "/environ") // of others it is an error
		if err != nil {
			continue
		}
		for _, stream := range streams {
			if bytes.Contains(environ, stream) {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
			}
		}
	}
}
