package command

import (
	"errors"
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/engine"
)

func imageApp() *ephor.App {
	app := ephor.New("Shop")
	app.Function("Job", func() error { return nil })
	app.Image(ephor.Image{Dockerfile: "image/Dockerfile"})
	return app
}

// An engine is asked for only where it would build something, and one that is known.
func TestEngineFlag(t *testing.T) {
	t.Parallel()
	plain := ephor.New("Shop")
	plain.Function("Job", func() error { return nil })
	f := func(want string, app *ephor.App, args ...string) {
		t.Helper()
		status, _, stderr := runProgram(t, app, append([]string{"provision"}, args...)...)
		if status != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q; want %q", args, status, stderr, want)
		}
	}
	f("one of docker, podman, buildah", imageApp(), "--engine", "kaniko")
	f("Shop is no image", plain, "--engine", "podman")
	f("on the laptop", imageApp(), "--engine", "podman", "--target", "laptop")
}

func TestWithoutImage(t *testing.T) {
	t.Parallel()
	if got := withoutImage(imageApp()); !strings.Contains(got, "image/Dockerfile") {
		t.Errorf("%q", got)
	}
	if got := withoutImage(ephor.New("Shop")); got != "" {
		t.Errorf("an application that is no image: %q", got)
	}
}

// What an engine has said stays whole, and the hint says what to do about it.
func TestEngineError(t *testing.T) {
	t.Parallel()
	p := &program{app: imageApp()}
	f := func(want string, err error) {
		t.Helper()
		got := p.deployError(target{name: targetAWS}, err)
		var e *Error
		if !errors.As(got, &e) || !strings.Contains(e.Hint, want) || !strings.Contains(got.Error(), err.Error()) {
			t.Errorf("%v, want a hint with %q", got, want)
		}
	}
	f("apt-get install buildah", &engine.NotFoundError{Tried: []string{"docker is not on the PATH"}})
	f("in the Dockerfile", &engine.Error{Command: "docker buildx build", Last: []string{"no such file"}, Err: errors.New("exit status 1")})
	f("--engine docker|podman|buildah", &engine.Error{Command: "podman push", Last: []string{"denied"}, Err: errors.New("exit status 125")})
}
