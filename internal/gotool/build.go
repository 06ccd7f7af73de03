package gotool

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Config says what to build and how.
type Config struct {
	// Dir is the folder the go command runs in, which decides the module; "" is the working
	// directory.
	Dir string
	// Package is an import path, or a folder relative to Dir such as ./cmd/shop.
	Package string
	// Output is the executable's path, relative to the working directory. Folders are made.
	Output string
	// Tags are build tags.
	Tags []string
	// LDFlags is handed to the linker. With -buildid in it nothing is ever up to date.
	LDFlags string
	// Trimpath leaves the folders of this machine out of the executable.
	Trimpath bool
	// VCS stamps the executable with the revision, which costs a run of git and makes two
	// builds of the same source differ.
	VCS bool
	// GOOS and GOARCH name the machine to build for; "" is this one.
	GOOS, GOARCH string
	// CGO allows C code; without it the executable is static.
	CGO bool
	// Race builds with the race detector, which wants CGO.
	Race bool
	// Exclusive says that nobody else builds to Output: what a killed build left there is
	// removed at once instead of after a day.
	Exclusive bool
}

// Build builds a program. Output is replaced in one step when the build has succeeded: after a
// failed or a killed build the old executable, or none, is there. Where Output is up to date
// it is left alone but for its modification time, and that takes a fraction of a build. Errors
// are of type *Error and hold the compiler's words, or wrap ErrNoGo.
func Build(ctx context.Context, c Config) error {
	out, err := filepath.Abs(c.Output)
	if err != nil {
		return fmt.Errorf("building %s: %w", c.Package, err)
	}
	stage, err := newStage(out, c.Exclusive)
	if err != nil {
		return fmt.Errorf("building %s: %w", c.Package, err)
	}
	defer stage.remove()
	build := invocation{name: "go build " + c.Package, dir: c.Dir, args: c.args(stage.file), env: c.env(stage.dir)}
	if _, err := build.run(ctx); err != nil {
		return err
	}
	if err := stage.commit(); err != nil {
		return fmt.Errorf("building %s: %w", c.Package, err)
	}
	return nil
}

func (c Config) args(output string) []string {
	args := []string{"build", "-o", output, "-buildvcs=" + strconv.FormatBool(c.VCS)}
	if c.Trimpath {
		args = append(args, "-trimpath")
	}
	if c.Race {
		args = append(args, "-race")
	}
	if len(c.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(c.Tags, ","))
	}
	if c.LDFlags != "" {
		args = append(args, "-ldflags="+c.LDFlags)
	}
	return append(args, "--", c.Package)
}

// env keeps the go command's working files in dir: removing that removes them too when the go
// command was killed, and they are on the file system of the output, so that it can be moved.
func (c Config) env(dir string) []string {
	env := []string{"GOTMPDIR=" + dir, "CGO_ENABLED=0"}
	if c.CGO {
		env[1] = "CGO_ENABLED=1"
	}
	if c.GOOS != "" {
		env = append(env, "GOOS="+c.GOOS)
	}
	if c.GOARCH != "" {
		env = append(env, "GOARCH="+c.GOARCH)
	}
	return env
}

// A stage is a folder beside the output in which the new executable comes into being.
type stage struct {
	output, dir, file string
}

// abandoned is the age at which a stage must be that of a build that was killed together with us,
// where others may build to the same output.
const abandoned = 24 * time.Hour

func newStage(output string, exclusive bool) (stage, error) {
	parent, base := filepath.Split(output)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return stage{}, err
	}
	prefix := "." + base + ".build-"
	entries, err := os.ReadDir(parent)
	if err != nil {
		return stage{}, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), prefix) && (exclusive || time.Since(info.ModTime()) > abandoned) {
			if err := os.RemoveAll(filepath.Join(parent, e.Name())); err != nil {
				return stage{}, err
			}
		}
	}
	dir, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return stage{}, err
	}
	s := stage{output: output, dir: dir, file: filepath.Join(dir, base)}
	// The go command does not link again what it finds in place with the right build ID, so it
	// is shown the old executable under the new name. It replaces files and never writes into
	// them, so the old one is safe. It also refuses to replace what is no executable. Where
	// there is nothing to show or file systems have no links, it links again: only slower.
	if _, err := buildinfo.ReadFile(output); err == nil {
		_ = os.Link(output, s.file)
	}
	return s, nil
}

// commit moves the executable to its place, unless it is there already.
func (s stage) commit() error {
	built, err := os.Stat(s.file)
	if err != nil {
		return err
	}
	if old, err := os.Stat(s.output); err == nil && os.SameFile(old, built) {
		return nil
	}
	return os.Rename(s.file, s.output)
}

func (s stage) remove() {
	// What cannot be removed now is removed once it counts as abandoned.
	_ = os.RemoveAll(s.dir)
}
