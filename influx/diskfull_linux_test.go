package influx

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// When the disk is full a write is refused, not acknowledged; when it is no longer full, writes go on; and
// after a restart everything acknowledged, before and after, is there.
//
// A limit on the size of files stands in for the disk: beyond it the kernel refuses to write, part of the way
// through an entry of the log, just as it does without space.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.write(t, "load,writer=0 v=0i 0") // makes the shard, whose index files are larger than the limit that follows

	limit := func(bytes uint64) {
		t.Helper()
		rlimit := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &rlimit, nil); err != nil {
			t.Skipf("cannot limit a process's files here: %v", err)
		}
	}
	limit(100_000)
	before := &acknowledged{last: map[int]int{}}
	before.writeUntilRefused(p.target, 1, 100)
	if before.last[1] == 0 {
		t.Fatal("refused at once")
	}
	limit(1)
	refused := p.do(t, post("/write?db=ephor", "load,writer=2 v=1i 1"))
	if refused.status != 500 || !strings.Contains(refused.body, "error") {
		t.Errorf("on a full disk: %d %s", refused.status, refused.body)
	}

	limit(unix.RLIM_INFINITY)
	for end := time.Now().Add(time.Minute); p.do(t, post("/write?db=ephor", "load,writer=3 v=1i 1")).status != 204; {
		if time.Now().After(end) {
			t.Fatal("writes are refused although there is space again")
		}
		time.Sleep(50 * time.Millisecond)
	}
	before.check(t, p.target)
	p.kill()

	again := startProcess(t, dir)
	before.check(t, again.target)
	if got, want := again.values(t, "SELECT v FROM load WHERE writer='3'"), "[1,1]"; got != want {
		t.Errorf("written when there was space again: %s, want %s", got, want)
	}
}
