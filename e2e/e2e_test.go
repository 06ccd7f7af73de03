// Package e2e uses Ephor as its users do: it builds an application, runs its commands as processes
// and looks at it from outside, with whatever programs its users have.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var hello struct {
	sync.Once
	dir, program string
	err          error
}

func TestMain(m *testing.M) {
	if os.Getenv(bareVariable) != "" {
		fmt.Fprintln(os.Stderr, serveBare())
		os.Exit(1)
	}
	status := m.Run()
	if hello.dir != "" {
		if err := os.RemoveAll(hello.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// helloProgram is the hello application as `go run` would build it.
func helloProgram(t testing.TB) string {
	t.Helper()
	hello.Do(func() {
		if hello.dir, hello.err = os.MkdirTemp("", "ephor-e2e-"); hello.err != nil {
			return
		}
		hello.program = filepath.Join(hello.dir, "hello")
		var out []byte
		c := exec.Command("go", "build", "-o", hello.program, "./examples/hello")
		c.Dir = root(t)
		if out, hello.err = c.CombinedOutput(); hello.err != nil {
			hello.err = fmt.Errorf("%w: %s", hello.err, out)
		}
	})
	if hello.err != nil {
		t.Fatal(hello.err)
	}
	return hello.program
}

// anyPorts makes `up` take whatever ports are free.
var anyPorts = []string{"--page-port", "0", "--store-port", "0", "--endpoint-port", "0", "--gateway-port", "0"}

// output is what a process writes, readable while it writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// command runs a program to its end and returns its exit status and what it wrote.
func command(t testing.TB, dir, program string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// application is an `up` that runs.
type application struct {
	t         testing.TB
	cmd       *exec.Cmd
	state     string
	stderr    *output
	exited    chan struct{}
	API       string
	Page      string
	Store     string
	Endpoint  string
	Dashboard string
	URLs      map[string]string // of functions
}

// up starts `up` in the folder dir with a state of its own and waits until it says where it is.
func up(t testing.TB, dir, program, state string, args ...string) *application {
	t.Helper()
	a := &application{t: t, state: state, stderr: &output{}, exited: make(chan struct{})}
	a.cmd = exec.Command(program, append(append([]string{"up", "--json", "--state", state}, anyPorts...), args...)...)
	a.cmd.Dir = dir
	a.cmd.Stderr = a.stderr
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.stop(os.Kill)
		if t.Failed() {
			t.Logf("up wrote:\n%s", a.stderr)
		}
	})
	ready := make(chan error, 1)
	go func() {
		defer close(a.exited)
		r := bufio.NewReader(stdout)
		ready <- json.NewDecoder(r).Decode(a)
		_, _ = io.Copy(io.Discard, r) // until it ends
		_ = a.cmd.Wait()              // ProcessState tells how
	}()
	select {
	case err := <-ready:
		if err != nil {
			<-a.exited
			t.Fatalf("up said nothing that could be read: %v\n%s", err, a.stderr)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("up is not up after two minutes:\n%s", a.stderr)
	}
	return a
}

// stop sends a signal and waits for the end.
func (a *application) stop(s os.Signal) {
	a.t.Helper()
	if err := a.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.t.Error(err)
	}
	select {
	case <-a.exited:
	case <-time.After(30 * time.Second):
		_ = a.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines tell why
		<-a.exited
		a.t.Errorf("up did not end within 30 s of %v:\n%s", s, a.stderr)
	}
}

// get asks the application and returns status and body.
func (a *application) get(path string) (int, string) {
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

// count is the first figure that the store answers to an InfluxQL query, 0 without one.
func (a *application) count(influxQL string) int {
	a.t.Helper()
	response, err := http.Get(a.Store + "/query?" + url.Values{"db": {"ephor"}, "q": {influxQL}, "epoch": {"ns"}}.Encode())
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Results []struct {
			Error  string
			Series []struct{ Values [][]any }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		a.t.Fatal(err)
	}
	if len(answer.Results) == 0 || len(answer.Results[0].Series) == 0 {
		return 0
	}
	n, ok := answer.Results[0].Series[0].Values[0][1].(float64)
	if !ok {
		a.t.Fatalf("%s: %+v", influxQL, answer)
	}
	return int(n)
}

// busy is the number of environments that have work, their flush included.
func (a *application) busy() int {
	a.t.Helper()
	response, err := http.Get(a.Page + "/api/lambda")
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	var status struct{ Functions []struct{ Busy int } }
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		a.t.Fatal(err)
	}
	n := 0
	for _, f := range status.Functions {
		n += f.Busy
	}
	return n
}

// eventually waits until what comes true, for two minutes: it tests that something happens, not
// how fast.
func eventually(t testing.TB, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !check(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

const recorded = `SELECT count("duration_ms") FROM "invocation"`
