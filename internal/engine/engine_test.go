package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/engine"
)

// standIns makes the PATH one folder with these engines in it: shell scripts, which write their arguments and the
// line on their standard input into the file that is returned before they do what is given here.
func standIns(t *testing.T, engines map[string]string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	for name, does := range engines {
		script := "#!/bin/sh\nread -r line\necho \"" + name + " $* < $line\" >>'" + log + "'\n" + does + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return func() []string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	}
}

func TestFind(t *testing.T) {
	f := func(want, name string, engines map[string]string) {
		t.Helper()
		standIns(t, engines)
		e, err := engine.Find(t.Context(), name)
		if err != nil || e.Name != want {
			t.Errorf("%q among %v: %+v, %v; want %s", name, engines, e, err, want)
		}
	}
	f("docker", "", map[string]string{"docker": "", "podman": "", "buildah": ""})
	f("buildah", "buildah", map[string]string{"docker": "", "podman": "", "buildah": ""})
	f("podman", "", map[string]string{"docker": "exit 1", "podman": "", "buildah": ""})
	f("buildah", "", map[string]string{"docker": `[ "$1" != buildx ]`, "buildah": ""})
}

func TestNoEngine(t *testing.T) {
	standIns(t, map[string]string{"docker": "echo 'Is the docker daemon running?' >&2; exit 1"})
	_, err := engine.Find(t.Context(), "")
	var none *engine.NotFoundError
	if !errors.As(err, &none) {
		t.Fatal(err)
	}
	want := []string{"docker version: exit status 1: Is the docker daemon running?", "podman is not on the PATH", "buildah is not on the PATH"}
	if diff := cmp.Diff(want, none.Tried); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := engine.Find(t.Context(), "podman"); !errors.As(err, &none) || len(none.Tried) != 1 {
		t.Errorf("podman alone: %v", err)
	}
	if _, err := engine.Find(t.Context(), "kaniko"); err == nil || !strings.Contains(err.Error(), "docker, podman, buildah") {
		t.Errorf("another one: %v", err)
	}
}

// The password is on standard input and nowhere else.
func TestBuildAndPush(t *testing.T) {
	for name, want := range map[string][]string{
		"docker": {
			"docker version --format {{.Server.Version}} < ", "docker buildx version < ",
			"docker buildx build --load --provenance=false --sbom=false --platform linux/arm64 --tag r.example/a:1 --file c/F c < ",
			"docker login --username AWS --password-stdin r.example < secret", "docker push r.example/a:1 < ",
		},
		"podman": {
			"podman info < ", "podman build --format docker --platform linux/arm64 --tag r.example/a:1 --file c/F c < ",
			"podman login --authfile AUTH --username AWS --password-stdin r.example < secret", "podman push --authfile AUTH r.example/a:1 < ",
		},
		"buildah": {
			"buildah info < ", "buildah build --format docker --platform linux/arm64 --tag r.example/a:1 --file c/F c < ",
			"buildah login --authfile AUTH --username AWS --password-stdin r.example < secret", "buildah push --authfile AUTH r.example/a:1 < ",
		},
	} {
		calls := standIns(t, map[string]string{name: ""})
		e, err := engine.Find(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Build(t.Context(), engine.Build{Context: "c", Dockerfile: "c/F", Platform: "linux/arm64", Tag: "r.example/a:1"}); err != nil {
			t.Fatal(err)
		}
		if err := e.Push(t.Context(), "r.example/a:1", engine.Login{Registry: "r.example", User: "AWS", Password: "secret"}); err != nil {
			t.Fatal(err)
		}
		got := calls()
		for i, call := range got {
			if _, file, ok := strings.Cut(call, "--authfile "); ok {
				file, _, _ = strings.Cut(file, " ")
				if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: the login is left at %s: %v", name, file, err)
				}
				got[i] = strings.ReplaceAll(call, file, "AUTH")
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Of what an engine has said, the last lines are told, each as a terminal would show it.
func TestFailure(t *testing.T) {
	standIns(t, map[string]string{"buildah": `[ "$1" != build ] && exit
i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "STEP $i"; done
printf 'fetching 1 %%\rfetching 100 %%\n\n'
echo 'COPY: no such file' >&2
exit 125`})
	e, err := engine.Find(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	err = e.Build(t.Context(), engine.Build{})
	var failed *engine.Error
	if !errors.As(err, &failed) || failed.Command != "buildah build" {
		t.Fatalf("%v", err)
	}
	if n := len(failed.Last); n != 15 || !cmp.Equal(failed.Last[n-3:], []string{"STEP 40", "fetching 100 %", "COPY: no such file"}) {
		t.Errorf("%d lines: %q", n, failed.Last)
	}
	if got := err.Error(); !strings.HasPrefix(got, "buildah build: exit status 125\nSTEP 28\n") {
		t.Errorf("%s", got)
	}
}

// An engine that is interrupted can put things in order before it ends.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	fifo, done := filepath.Join(dir, "fifo"), filepath.Join(dir, "done")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	standIns(t, map[string]string{"podman": `[ "$1" != build ] && exit
trap 'echo cancelled; : >` + done + `; exit 1' INT
: >` + fifo + `
while :; do :; done`})
	e, err := engine.Find(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- e.Build(ctx, engine.Build{}) }()
	f, err := os.Open(fifo) // waits for the engine
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	err = <-result
	var failed *engine.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failed) || !cmp.Equal(failed.Last, []string{"cancelled"}) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(done); err != nil {
		t.Errorf("it was not given the time: %v", err)
	}
}
