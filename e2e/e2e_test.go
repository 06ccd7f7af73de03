// Package e2e uses Ephor as its users do: it builds an application, runs its commands as processes
// and looks at it from outside, with whatever programs its users have.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

var hello struct {
	sync.Once
	dir, program string
	err          error
}

func TestMain(m *testing.M) {
	uptest.MaybeServe()
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
		c.Dir = uptest.Root(t)
		if out, hello.err = c.CombinedOutput(); hello.err != nil {
			hello.err = fmt.Errorf("%w: %s", hello.err, out)
		}
	})
	if hello.err != nil {
		t.Fatal(hello.err)
	}
	return hello.program
}

// commands runs commands of an application that is up, each with further arguments, and each must end with the status wanted.
func commands(t testing.TB, dir string, a *application, more ...string) func(want int, args ...string) (stdout, stderr string) {
	return func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := command(t, dir, a.Cmd.Path, slices.Concat(args, []string{"--state", a.State}, more)...)
		if status != want {
			t.Fatalf("%q: status %d, want %d\n%s%s", args, status, want, stdout, stderr)
		}
		return stdout, stderr
	}
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
	*uptest.Application
	t testing.TB
}

// up starts `up` in the folder dir with a state of its own and waits until it says where it is.
func up(t testing.TB, dir, program, state string, args ...string) *application {
	t.Helper()
	return &application{uptest.Up(t, dir, program, state, args...), t}
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

const recorded = `SELECT count("duration_ms") FROM "invocation"`
