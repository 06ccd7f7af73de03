//go:build !ephor_lambda

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/gotool"
)

// source is the package that this program was built from.
func source(ctx context.Context) (gotool.Package, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return gotool.Package{}, errors.New("this program was built without module support: build it with go build inside a module")
	}
	// A program made of files given by name is of no package that could be built again.
	if info.Path == "" || info.Path == "command-line-arguments" {
		return gotool.Package{}, hinted(errors.New("this program was built from files, not from a package"), "go run . "+lastArgs())
	}
	pkg, err := gotool.FindPackage(ctx, info.Path)
	if err != nil && ctx.Err() == nil {
		return pkg, hinted(err, "the same in the folder of the program's go.mod, or below it")
	}
	return pkg, err
}

func lastArgs() string {
	if len(os.Args) < 2 {
		return "up"
	}
	return os.Args[1]
}

// stateDir is where an application keeps its state: in .ephor beside its go.mod, unless a flag
// names another place.
func (p *program) stateDir(ctx context.Context) (string, error) {
	if p.state != "" {
		dir, err := filepath.Abs(p.state)
		if err != nil {
			return "", fmt.Errorf("finding the state folder: %w", err)
		}
		return dir, nil
	}
	pkg, err := source(ctx)
	if err != nil {
		return "", err
	}
	return stateFolder(pkg, p.app), nil
}

func stateFolder(pkg gotool.Package, app *ephor.App) string {
	return filepath.Join(pkg.ModuleDir, ".ephor", app.Name())
}
