//go:build unix

package guard_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/guard"
)

// sleeper is a process group whose end can be read: a shell and a child of it.
type sleeper struct {
	cmd *exec.Cmd
	// lives ends when neither is left.
	lives *os.File
}

func newSleeper(t testing.TB) sleeper {
	t.Helper()
	s, w := unstarted(t)
	start(t, s.cmd, w)
	return s
}

func unstarted(t testing.TB) (sleeper, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "sleep 600 & wait")
	cmd.Stdout = w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() { r.Close() })
	return sleeper{cmd, r}, w
}

func start(t testing.TB, cmd *exec.Cmd, w *os.File) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		// Its group is gone already, or the test has failed; it is not waited for before.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
}

// gone waits for the end of the shell and its child.
func (s sleeper) gone(t testing.TB) {
	t.Helper()
	if err := s.lives.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(s.lives); err != nil {
		t.Errorf("process group %d lives on: %v", s.cmd.Process.Pid, err)
	}
}

func (s sleeper) pid() int { return s.cmd.Process.Pid }

func newGuard(t testing.TB) *guard.Guard {
	t.Helper()
	g, err := guard.Start()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func watch(t testing.TB, g *guard.Guard, pid int) {
	t.Helper()
	if err := g.Watch(pid); err != nil {
		t.Fatal(err)
	}
}

// alive says that a process runs which is a child of this one and was not waited for: it can
// still be stopped. One that was killed has only its name left.
func alive(t testing.TB, pid int) bool {
	t.Helper()
	var status syscall.WaitStatus
	got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got == 0
}

func TestCloseEndsWhatIsWatchedAndNothingElse(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	var watched, forgotten []sleeper
	for i := range 20 {
		s := newSleeper(t)
		watch(t, g, s.pid())
		if i%3 == 0 {
			g.Forget(s.pid())
			g.Forget(s.pid()) // again changes nothing
			forgotten = append(forgotten, s)
		} else {
			watched = append(watched, s)
		}
	}
	stranger := newSleeper(t)
	member, w := unstarted(t)
	member.cmd.SysProcAttr.Pgid = g.Group()
	start(t, member.cmd, w)
	g.Close()
	for _, s := range append(watched, member) {
		s.gone(t)
	}
	for _, s := range append(forgotten, stranger) {
		if !alive(t, s.pid()) {
			t.Errorf("process group %d was not the guard's to end", s.pid())
		}
	}
}

func TestGuardIgnoresWhatATerminalSends(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	if own, err := syscall.Getpgid(0); err != nil || own == g.Group() {
		t.Fatalf("the guard is in our group %d (%v)", own, err)
	}
	s := newSleeper(t)
	watch(t, g, s.pid())
	ready(t, g)
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if err := syscall.Kill(-g.Group(), sig); err != nil {
			t.Fatal(err)
		}
	}
	g.Close()
	s.gone(t)
}

func TestKilledGuardIsReplaced(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	first, second, third := newSleeper(t), newSleeper(t), newSleeper(t)
	watch(t, g, first.pid())
	watch(t, g, second.pid())
	g.Forget(first.pid())
	before := g.Group()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); g.Group() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the dead guard was not noticed")
		}
		watch(t, g, third.pid())
	}
	g.Close()
	second.gone(t)
	third.gone(t)
	if !alive(t, first.pid()) {
		t.Error("the new guard has ended a group that was forgotten")
	}
}

// TestVictim is the other process of TestGuardOutlivesUs.
func TestVictim(t *testing.T) {
	dir := os.Getenv("GUARD_TEST_VICTIM")
	if dir == "" {
		t.Log("only of use in a process that another test starts")
		return
	}
	g := newGuard(t)
	for range 5 {
		cmd := exec.Command("/bin/sh", "-c", "exec 3>"+filepath.Join(dir, "fifo")+"; sleep 600 & wait")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		watch(t, g, cmd.Process.Pid)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

func TestGuardOutlivesUs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), "GUARD_TEST_VICTIM="+dir)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lives, err := os.Open(fifo) // waits for the first writer
	if err != nil {
		t.Fatal(err)
	}
	defer lives.Close()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "ready") {
			break
		}
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it says that the process was killed
	if _, err := io.ReadAll(lives); err != nil {
		t.Fatalf("children of the dead process live on: %v", err)
	}
}

// ready waits until the guard's shell has come to read its pipe, behind its traps: until it has
// taken more than a pipe holds.
func ready(t testing.TB, g *guard.Guard) {
	t.Helper()
	s := newSleeper(t)
	for range 20_000 {
		watch(t, g, s.pid())
	}
	g.Forget(s.pid())
}

func BenchmarkWatchAndForget(b *testing.B) {
	g := newGuard(b)
	defer g.Close()
	for i := range 1000 {
		watch(b, g, 1<<30+i) // more than a system has: nobody
	}
	for b.Loop() {
		watch(b, g, 1<<31-1)
		g.Forget(1<<31 - 1)
	}
}
