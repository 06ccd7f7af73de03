package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/gotool"
)

// source is the package that this program was built from.
func source(ctx context.Context) (gotool.Package, error) {
	path, err := gotool.Self()
	if err != nil {
		return gotool.Package{}, err
	}
	pkg, err := gotool.FindPackage(ctx, path)
	if errors.Is(err, gotool.ErrNoGo) {
		return pkg, hinted(err, "or say where the application keeps its state: --state FOLDER")
	}
	if err != nil && ctx.Err() == nil {
		return pkg, hinted(err, "the same in the folder of the program's go.mod, or below it")
	}
	return pkg, err
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
