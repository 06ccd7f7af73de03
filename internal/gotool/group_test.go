//go:build unix

package gotool_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ephor-io/ephor/internal/gotool"
)

// hangingCompiler makes every tool of the go command hang for a minute. What is returned waits
// until one hangs, and then gives a reader that ends when no process of them is left.
func hangingCompiler(t *testing.T) (started func() io.ReadCloser) {
	t.Helper()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "tool")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\nexec 3>"+fifo+"\nsleep 60\necho survived >&3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-toolexec="+tool)
	return func() io.ReadCloser {
		f, err := os.Open(fifo) // waits for a writer
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// gone checks that the processes behind r were ended and did not come to their own end.
func gone(t *testing.T, r io.ReadCloser) {
	t.Helper()
	defer r.Close()
	if last, err := io.ReadAll(r); err != nil || len(last) > 0 {
		t.Fatalf("the compiler says %q, %v", last, err)
	}
}

func TestBuildCancelledKillsTheCompiler(t *testing.T) {
	started := hangingCompiler(t)
	c := program(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- gotool.Build(ctx, c) }()
	compiler := started()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Fatalf("Build: %v", err)
	}
	gone(t, compiler)
	clean(t, c, "kept.go")
}

// TestBuildElsewhere is the other process of TestKilledProcessTakesTheCompilerWithIt.
func TestBuildElsewhere(t *testing.T) {
	dir := os.Getenv("GOTOOL_TEST_BUILD")
	if dir == "" {
		t.Log("only of use in a process that another test starts")
		return
	}
	err := gotool.Build(t.Context(), gotool.Config{Dir: dir, Package: ".", Output: filepath.Join(dir, "out", "app")})
	t.Fatalf("the build came to an end: %v", err)
}

func TestKilledProcessTakesTheCompilerWithIt(t *testing.T) {
	started := hangingCompiler(t)
	c := program(t)
	other := exec.Command(os.Args[0], "-test.run=^TestBuildElsewhere$")
	other.Env = append(os.Environ(), "GOTOOL_TEST_BUILD="+c.Dir)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	compiler := started()
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err == nil {
		t.Fatal("the other process was not killed")
	}
	gone(t, compiler)
}
