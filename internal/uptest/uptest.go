// Package uptest runs Ephor's `up` as its users do, for the tests of e2e and the benchmarks of bench:
//
//	dir := uptest.NewModule(t, uptest.Shop)
//	a := uptest.Up(t, dir, uptest.Build(t, dir), filepath.Join(dir, "state"))
//	status, body := a.Get("/")
package uptest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Root is the folder of Ephor's module, for packages that stand directly in it.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// AnyPorts makes `up` take whatever ports are free.
func AnyPorts() []string {
	return []string{"--page-port", "0", "--store-port", "0", "--endpoint-port", "0", "--gateway-port", "0"}
}

// Output is what a process writes, readable while it writes.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Application is an `up` that runs. What has a capital letter and no comment is what `up --json` says.
type Application struct {
	Cmd    *exec.Cmd `json:"-"`
	State  string    `json:"-"` // its folder
	Stderr *Output   `json:"-"`

	API       string
	Page      string
	Store     string
	Endpoint  string
	Dashboard string
	Grafana   []string          // the dashboards there
	URLs      map[string]string // of functions

	t      testing.TB
	exited chan struct{}
}

// Up starts `up` in the folder dir with a state of its own and waits until it says where it is. It is
// killed when the test is over.
func Up(t testing.TB, dir, program, state string, args ...string) *Application {
	t.Helper()
	a := &Application{t: t, State: state, Stderr: &Output{}, exited: make(chan struct{})}
	a.Cmd = exec.Command(program, append(append([]string{"up", "--json", "--state", state}, AnyPorts()...), args...)...)
	a.Cmd.Dir = dir
	a.Cmd.Stderr = a.Stderr
	stdout, err := a.Cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Stop(os.Kill)
		if t.Failed() {
			t.Logf("up wrote:\n%s", a.Stderr)
		}
	})
	ready := make(chan error, 1)
	go func() {
		defer close(a.exited)
		r := bufio.NewReader(stdout)
		ready <- json.NewDecoder(r).Decode(a)
		_, _ = io.Copy(io.Discard, r) // until it ends
		_ = a.Cmd.Wait()              // ProcessState tells how
	}()
	select {
	case err := <-ready:
		if err != nil {
			<-a.exited
			t.Fatalf("up said nothing that could be read: %v\n%s", err, a.Stderr)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("up is not up after two minutes:\n%s", a.Stderr)
	}
	return a
}

// Stop sends a signal and waits for the end.
func (a *Application) Stop(s os.Signal) {
	a.t.Helper()
	if err := a.Cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.t.Error(err)
	}
	select {
	case <-a.exited:
	case <-time.After(30 * time.Second):
		_ = a.Cmd.Process.Signal(syscall.SIGQUIT) // its goroutines tell why
		<-a.exited
		a.t.Errorf("up did not end within 30 s of %v:\n%s", s, a.Stderr)
	}
}

// Get asks the application and returns status and body.
func (a *Application) Get(path string) (int, string) {
	a.t.Helper()
	response, err := http.Get(a.API + path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// Eventually waits until what comes true, for two minutes: it tests that something happens, not
// how fast.
func Eventually(t testing.TB, what string, check func() bool) {
	t.Helper()
	Within(t, 2*time.Minute, what, check)
}

// Within is Eventually with another limit, for what takes its time by itself.
func Within(t testing.TB, limit time.Duration, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !check(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
