package gotool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files lists the files on this machine that a build of pkg with these tags reads and that a
// user may change: source and embedded files of every package that is in a main module, in one
// of the workspace, or in one replaced by a folder, and go.mod, go.sum and go.work with
// go.work.sum. Test files and what is in the module cache are not among them. The paths are
// absolute and sorted.
//
// dir and pkg are as in Config. Source that does not compile, and imports that cannot be found, are no
// error: what is there is listed.
func Files(ctx context.Context, dir, pkg string, tags []string) ([]string, error) {
	list := invocation{name: "go list -deps " + pkg, dir: dir}
	list.args = []string{"list", "-e", "-deps", "-tags=" + strings.Join(tags, ","),
		"-json=Dir,Standard,Module,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles",
		"--", pkg}
	out, err := list.run(ctx)
	if err != nil {
		return nil, err
	}
	files := map[string]bool{}
	modules := map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", list.name, err)
		}
		if p.Standard || !p.Module.local() {
			continue
		}
		for _, name := range p.files() {
			files[absolute(p.Dir, name)] = true
		}
		modules[p.Module.GoMod] = true
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no source of %s is in a module on this machine", list.name, pkg)
	}
	work, err := workspace(ctx, dir)
	if err != nil {
		return nil, err
	}
	for gomod := range modules {
		addExisting(files, gomod, filepath.Join(filepath.Dir(gomod), "go.sum"))
	}
	if work != "" {
		addExisting(files, work, work+".sum")
	}
	return slices.Sorted(maps.Keys(files)), nil
}

func (p listed) files() []string {
	return slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.MFiles, p.HFiles, p.FFiles,
		p.SFiles, p.SwigFiles, p.SwigCXXFiles, p.SysoFiles, p.EmbedFiles)
}

// absolute is for the files that cgo and others generate into the build cache, which go list
// names with their whole path.
func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func addExisting(files map[string]bool, paths ...string) {
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			files[path] = true
		}
	}
}

// workspace is the path of the go.work file in force, or "".
func workspace(ctx context.Context, dir string) (string, error) {
	out, err := invocation{name: "go env GOWORK", dir: dir, args: []string{"env", "GOWORK"}}.run(ctx)
	if err != nil {
		return "", err
	}
	path := strings.TrimSpace(string(out))
	if path == "off" {
		return "", nil
	}
	return path, nil
}
