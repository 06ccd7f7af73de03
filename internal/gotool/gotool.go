// Package gotool runs the go command: it finds packages, builds them and lists the files that
// a build reads.
//
//	p, err := gotool.FindPackage(ctx, "example.com/shop/cmd/shop")
//	…
//	err = gotool.Build(ctx, gotool.Config{
//		Dir: p.ModuleDir, Package: p.ImportPath, Output: ".ephor/shop/bootstrap",
//		Tags: []string{"ephor_lambda", "lambda.norpc"}, LDFlags: "-s -w", Trimpath: true,
//		GOOS: "linux", GOARCH: "arm64",
//	})
//	…
//	files, err := gotool.Files(ctx, p.ModuleDir, p.ImportPath, []string{"ephor_lambda"})
//
// A go command never outlives its context nor this process, whichever way they end, and takes
// its compilers and linkers with it. (On systems that are not Unix only the context ends it.)
package gotool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// ErrNoGo is returned where there is no go command.
var ErrNoGo = errors.New("there is no go command on the PATH: install Go from https://go.dev/dl, or add its bin folder to the PATH")

// Error is a go command that failed.
type Error struct {
	// Command is what was run, e.g. "go build ./hello".
	Command string
	// Output is what the go command and the compiler said, word for word.
	Output string
	// Err is why it counts as failed: an *exec.ExitError, or the context's error.
	Err error
}

func (e *Error) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("%s: %v\n%s", e.Command, e.Err, e.Output)
}

func (e *Error) Unwrap() error { return e.Err }

// invocation is one run of the go command.
type invocation struct {
	name string   // for errors: "go build ./hello"
	dir  string   // where it runs; "" is here
	env  []string // on top of this process's
	args []string
}

// run runs the go command to its end and returns what it wrote to stdout.
func (i invocation) run(ctx context.Context) ([]byte, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.name, ErrNoGo)
	}
	g, err := newGroup()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.name, err)
	}
	defer g.close()

	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, i.args...)
	cmd.Dir = i.dir
	cmd.Env = append(cmd.Environ(), i.env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A process that left the group could hold the pipes open after the go command is gone.
	cmd.WaitDelay = 2 * time.Second
	g.admit(cmd)

	err = cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, &Error{Command: i.name, Output: strings.TrimRight(stderr.String(), "\n"), Err: err}
}
