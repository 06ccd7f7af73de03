// Package engine builds container images and pushes them, with whichever of docker, podman and buildah this
// machine has.
//
//	e, err := engine.Find(ctx, "")
//	…
//	err = e.Build(ctx, engine.Build{Context: dir, Dockerfile: file, Platform: "linux/arm64", Tag: uri})
//	…
//	err = e.Push(ctx, uri, engine.Login{Registry: host, User: "AWS", Password: token})
//
// Nothing of a login is ever on a command line: everybody on the machine can read those.
package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Engine is a program that builds images.
type Engine struct {
	// Name is docker, podman or buildah.
	Name string
	path string
}

// kinds are the engines in the order in which they are looked for, each with what it is asked to see whether
// it can work: docker needs its daemon, and buildx, since only that makes an image without attestations.
var kinds = []struct {
	name  string
	tests [][]string
}{
	{"docker", [][]string{{"version", "--format", "{{.Server.Version}}"}, {"buildx", "version"}}},
	{"podman", [][]string{{"info"}}},
	{"buildah", [][]string{{"info"}}},
}

// Names are the engines that there can be, in the order in which Find tries them.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// NotFoundError says that no engine can build an image here.
type NotFoundError struct {
	// Tried says of each engine what is the matter with it.
	Tried []string
}

func (e *NotFoundError) Error() string {
	return "nothing can build the image: " + strings.Join(e.Tried, "; ")
}

// Find finds the engine of that name, or the first one on the PATH that answers if the name is "". The
// error is a *NotFoundError if there is none.
func Find(ctx context.Context, name string) (*Engine, error) {
	if name != "" && !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("engine %q is not known: one of %s", name, strings.Join(Names(), ", "))
	}
	missing := &NotFoundError{}
	for _, k := range kinds {
		if name != "" && k.name != name {
			continue
		}
		path, err := exec.LookPath(k.name)
		if err != nil {
			missing.Tried = append(missing.Tried, k.name+" is not on the PATH")
			continue
		}
		e := &Engine{Name: k.name, path: path}
		for _, args := range k.tests {
			if err = e.run(ctx, "", args...); err != nil {
				break
			}
		}
		if err == nil {
			return e, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		missing.Tried = append(missing.Tried, strings.ReplaceAll(err.Error(), "\n", ": "))
	}
	return nil, missing
}

// Build says what image to make.
type Build struct {
	// Context is the folder that the Dockerfile's COPY copies from.
	Context string
	// Dockerfile is a path.
	Dockerfile string
	// Platform is what the image is for, as in linux/arm64.
	Platform string
	// Tag is the image's name, with the registry that it is pushed to.
	Tag string
}

// Build builds an image of one manifest: Lambda takes no list of several, and a provenance, which buildx
// attests by default, makes one.
//
// https://docs.aws.amazon.com/lambda/latest/dg/go-image.html
func (e *Engine) Build(ctx context.Context, b Build) error {
	args := []string{"build", "--format", "docker"}
	if e.Name == "docker" {
		args = []string{"buildx", "build", "--load", "--provenance=false", "--sbom=false"}
	}
	return e.run(ctx, "", append(args, "--platform", b.Platform, "--tag", b.Tag, "--file", b.Dockerfile, b.Context)...)
}

// Login opens a registry.
type Login struct{ Registry, User, Password string }

// Push pushes an image to the registry in its name. docker keeps the login, where its configuration says; of
// the other two's nothing is left.
func (e *Engine) Push(ctx context.Context, tag string, l Login) (err error) {
	var auth []string
	if e.Name != "docker" {
		dir, err := os.MkdirTemp("", "ephor-login-")
		if err != nil {
			return fmt.Errorf("making a place for the login of %s: %w", l.Registry, err)
		}
		defer os.RemoveAll(dir)
		auth = []string{"--authfile", filepath.Join(dir, "auth.json")}
	}
	login := slices.Concat([]string{"login"}, auth, []string{"--username", l.User, "--password-stdin", l.Registry})
	if err := e.run(ctx, l.Password, login...); err != nil {
		return err
	}
	return e.run(ctx, "", slices.Concat([]string{"push"}, auth, []string{tag})...)
}
