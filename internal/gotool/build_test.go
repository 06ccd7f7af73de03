package gotool_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/gotool"
)

const hello = "package main\n\nfunc main() { print(word) }\n"

// program is a module with a program that prints a word to stderr, and how to build it.
func program(t *testing.T) gotool.Config {
	t.Helper()
	dir := realTempDir(t)
	write(t, dir, map[string]string{
		"go.mod":      "module example.com/app\n\ngo 1.26\n",
		"main.go":     hello,
		"one.go":      "//go:build !two\n\npackage main\n\nconst word = \"one\"\n",
		"two.go":      "//go:build two\n\npackage main\n\nconst word = \"two\"\n",
		"lib/lib.go":  "package lib\n",
		"out/kept.go": "package kept\n",
	})
	return gotool.Config{Dir: dir, Package: ".", Output: filepath.Join(dir, "out", "app"), LDFlags: "-s -w", Trimpath: true}
}

func build(t *testing.T, c gotool.Config) os.FileInfo {
	t.Helper()
	if err := gotool.Build(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.Output)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// says runs the program and checks its word.
func says(t *testing.T, c gotool.Config, want string) {
	t.Helper()
	out, err := exec.Command(c.Output).CombinedOutput()
	if err != nil || string(out) != want {
		t.Fatalf("the program says %q, %v; want %q", out, err, want)
	}
}

// clean checks that nothing lies beside the output that was not there before.
func clean(t *testing.T, c gotool.Config, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(c.Output))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("beside the output are %q, want %q", got, want)
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	c := program(t)
	first := build(t, c)
	says(t, c, "one")

	if again := build(t, c); !os.SameFile(first, again) {
		t.Error("what was up to date has been linked again")
	}
	c.Tags = []string{"unused", "two"}
	second := build(t, c)
	says(t, c, "two")
	if os.SameFile(first, second) {
		t.Error("the new executable was written into the old one")
	}

	// An executable that somebody broke is not up to date.
	if err := os.WriteFile(c.Output, []byte("broken"), 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, c)
	says(t, c, "two")
	clean(t, c, "app", "kept.go")
}

func TestBuildForAnotherMachine(t *testing.T) {
	t.Parallel()
	c := program(t)
	c.GOOS, c.GOARCH = "linux", "arm64"
	build(t, c)
	head := make([]byte, 20)
	f, err := os.Open(c.Output)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(head); err != nil {
		t.Fatal(err)
	}
	// ELF, and at 18 the machine: 183 is AArch64.
	if string(head[:4]) != "\x7fELF" || head[18] != 183 {
		t.Errorf("the executable begins with % x", head)
	}
}

func TestBuildMakesFolders(t *testing.T) {
	t.Parallel()
	c := program(t)
	c.Output = filepath.Join(c.Dir, ".ephor", "app", "bootstrap")
	build(t, c)
	clean(t, c, "bootstrap")
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	c := program(t)
	before := build(t, c)
	write(t, c.Dir, map[string]string{"main.go": strings.Replace(hello, "word", "wrod", 1)})

	err := gotool.Build(t.Context(), c)
	var failed *gotool.Error
	if !errors.As(err, &failed) {
		t.Fatalf("Build: %v, want an Error", err)
	}
	if want := "# example.com/app\n./main.go:3:21: undefined: wrod"; failed.Output != want {
		t.Errorf("the compiler said\n%s\nwant\n%s", failed.Output, want)
	}
	if !strings.Contains(err.Error(), "go build .") || !strings.Contains(err.Error(), failed.Output) {
		t.Errorf("error %q", err)
	}
	if after, err := os.Stat(c.Output); err != nil || !os.SameFile(before, after) {
		t.Errorf("the old executable is not there any more: %v", err)
	}
	says(t, c, "one")
	clean(t, c, "app", "kept.go")
}

func TestBuildWhereNoOutputCanBe(t *testing.T) {
	t.Parallel()
	c := program(t)
	c.Output = filepath.Join(c.Dir, "main.go", "app")
	if err := gotool.Build(t.Context(), c); err == nil || !strings.Contains(err.Error(), "main.go") {
		t.Fatalf("Build: %v, want an error that names the path", err)
	}
	c.Output = filepath.Join(c.Dir, "out")
	if err := gotool.Build(t.Context(), c); err == nil {
		t.Fatal("a folder was replaced by an executable")
	}
}

func TestBuildCancelledBefore(t *testing.T) {
	t.Parallel()
	c := program(t)
	cause := errors.New("the user pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := gotool.Build(ctx, c); !errors.Is(err, cause) {
		t.Fatalf("Build: %v", err)
	}
	clean(t, c, "kept.go")
}

func BenchmarkBuildUpToDate(b *testing.B) {
	c := benchmarked(b)
	for b.Loop() {
		if err := gotool.Build(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuildRelink(b *testing.B) {
	c := benchmarked(b)
	for b.Loop() {
		if err := os.Remove(c.Output); err != nil {
			b.Fatal(err)
		}
		if err := gotool.Build(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFiles(b *testing.B) {
	for b.Loop() {
		if _, err := gotool.Files(b.Context(), "", "github.com/ephor-io/ephor/internal/gotool", nil); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarked builds a package of the size of a deployed function.
func benchmarked(b *testing.B) gotool.Config {
	c := gotool.Config{
		Package: "github.com/aws/aws-lambda-go/cmd/build-lambda-zip", Output: filepath.Join(b.TempDir(), "zip"),
		LDFlags: "-s -w", Trimpath: true,
	}
	if err := gotool.Build(b.Context(), c); err != nil {
		b.Skipf("nothing to build: %v", err)
	}
	return c
}
