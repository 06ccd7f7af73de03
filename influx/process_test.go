package influx

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// storeDirVariable makes this test binary a process that serves the store in that directory until it is killed.
const storeDirVariable = "EPHOR_TEST_STORE_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(storeDirVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	signal.Ignore(syscall.SIGXFSZ) // a file that grows beyond its limit is an error to the writer, as on a full disk
	s, err := Open(Config{Dir: dir, Database: "ephor"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	fmt.Println(http.Serve(l, s))
	os.Exit(1)
}

// A process is a store that can be killed.
type process struct {
	target
	cmd *exec.Cmd
}

func startProcess(t *testing.T, dir string) process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), storeDirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{cmd: cmd}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "http://") {
		t.Fatalf("the store's process says %q, %v", line, err)
	}
	p.target = target{"process", strings.TrimSpace(line)}
	return p
}

// kill is kill -9. A second one does nothing.
func (p process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// acknowledged counts the points of several writers, each of a series of its own with timestamps from 1 up.
type acknowledged struct {
	sync.Mutex
	last map[int]int
}

// writeUntilRefused writes batches of one series until a write fails, whether refused or cut off.
func (a *acknowledged) writeUntilRefused(d target, writer, batch int) {
	for at := 1; ; at += batch {
		var points strings.Builder
		for i := at; i < at+batch; i++ {
			fmt.Fprintf(&points, "load,writer=%d v=%di %d\n", writer, i, i)
		}
		resp, err := http.Post(d.url+"/write?db=ephor", "", strings.NewReader(points.String()))
		if err != nil {
			return
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			return
		}
		a.Lock()
		a.last[writer] = at + batch - 1
		a.Unlock()
	}
}

// check fails the test if one of those points is not in the store.
func (a *acknowledged) check(t *testing.T, d target) {
	t.Helper()
	a.Lock()
	defer a.Unlock()
	for writer, last := range a.last {
		q := fmt.Sprintf("SELECT count(v) FROM load WHERE writer='%d' AND time <= %d", writer, last)
		if got, want := d.values(t, q), fmt.Sprintf("[0,%d]", last); got != want {
			t.Errorf("writer %d: %s points, want %s", writer, got, want)
		}
	}
}
