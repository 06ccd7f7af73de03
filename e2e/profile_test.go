package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// burner is an application whose function has something to profile.
const burner = `package main

import (
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

//go:noinline
func burn() (n int) {
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
		n++
	}
	return n
}

func main() {
	app := ephor.New("Burner")
	app.Function("Burn", func() (int, error) { return burn(), nil })
	cli.Main(app)
}
`

// profile writes what go tool pprof reads, of an application without monitoring too, and says what is missing.
func TestProfile(t *testing.T) {
	t.Parallel()
	dir := uptest.NewModule(t, burner)
	program := uptest.Build(t, dir)
	a := up(t, dir, program, filepath.Join(dir, "state"), "--profile")
	run := commands(t, dir, a)
	if _, stderr := run(1, "profile"); !strings.Contains(stderr, "has no environment now") || !strings.Contains(stderr, "try: invoke Burn") {
		t.Errorf("before it is invoked: %s", stderr)
	}
	run(0, "invoke")
	if stdout, stderr := run(0, "profile", "--seconds", "1"); stdout != "Burn-cpu.pb.gz\n" || !strings.Contains(stderr, "it was not invoked meanwhile") {
		t.Errorf("of an idle one: %q %s", stdout, stderr)
	}
	if stdout, _ := run(0, "profile", "Burn", "--type", "heap", "--out", "-"); !strings.HasPrefix(stdout, "\x1f\x8b") {
		t.Errorf("to standard output: %q", stdout)
	}
	if _, stderr := run(1, "profile", "--type", "heap", "--instance", "nothing"); !strings.Contains(stderr, "has no environment nothing now") {
		t.Errorf("of an environment that is not there: %s", stderr)
	}
	if _, stderr := run(1, "profile", "Other"); !strings.Contains(stderr, "there is no function Other\n  try: one of Burn") {
		t.Errorf("of a function that is not there: %s", stderr)
	}

	seen := ""
	for range 4 { // a busy machine may leave it without a sample
		taken := make(chan struct{})
		profiling := exec.Command(program, "profile", "--seconds", "4", "--out", "cpu.pb.gz", "--state", a.State)
		profiling.Dir = dir
		var said uptest.Output
		profiling.Stderr = &said
		if err := profiling.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(taken)
			_ = profiling.Wait() // ProcessState tells
		}()
		for under := true; under; {
			run(0, "invoke")
			select {
			case <-taken:
				under = false
			default:
			}
		}
		if !profiling.ProcessState.Success() || !strings.Contains(said.String(), "go tool pprof -http : cpu.pb.gz") {
			t.Fatalf("%v: %s", profiling.ProcessState, &said)
		}
		top := exec.Command("go", "tool", "pprof", "-top", "cpu.pb.gz")
		top.Dir = dir
		out, err := top.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if seen = string(out); strings.Contains(seen, "main.burn") {
			break
		}
	}
	if !strings.Contains(seen, "main.burn") {
		t.Errorf("main.burn is not in\n%s", seen)
	}

	// Without --profile the functions are what would be deployed.
	a.Stop(os.Interrupt)
	up(t, dir, program, filepath.Join(dir, "state"))
	run(0, "invoke")
	if _, stderr := run(1, "profile", "--type", "heap"); !strings.Contains(stderr, "its program is built without that") || !strings.Contains(stderr, "try: up --profile") {
		t.Errorf("without --profile: %s", stderr)
	}
}
