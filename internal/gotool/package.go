package gotool

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// Package says where a package is.
type Package struct {
	ImportPath string
	// Name is the name in its package clause: "main" for a program.
	Name string
	// Dir is the folder of its source.
	Dir string
	// ModuleDir is the folder of its module's go.mod.
	ModuleDir  string
	ModulePath string
}

// fromFiles is the import path in the build information of what was built from a list of files.
const fromFiles = "command-line-arguments"

// FindPackage finds a package. path is an import path, resolved from the working directory, or an
// absolute folder, from which it is resolved then.
func FindPackage(ctx context.Context, path string) (Package, error) {
	if path == fromFiles {
		return Package{}, fmt.Errorf("the program was built from single files, so its package is not known: name the folder instead, as in `go run .`")
	}
	cmd := invocation{name: "go list " + path}
	if filepath.IsAbs(path) {
		cmd.dir, path = path, "."
	}
	cmd.args = []string{"list", "-json=ImportPath,Name,Dir,Module", "--", path}
	out, err := cmd.run(ctx)
	if err != nil {
		return Package{}, err
	}
	var p listed
	if err := json.Unmarshal(out, &p); err != nil {
		// A pattern such as ./... lists several.
		return Package{}, fmt.Errorf("%s: not one package: %w", cmd.name, err)
	}
	if p.Module == nil || p.Module.Dir == "" {
		return Package{}, fmt.Errorf("%s: it is in no module: make one with `go mod init`", cmd.name)
	}
	return Package{
		ImportPath: p.ImportPath, Name: p.Name, Dir: p.Dir,
		ModuleDir: p.Module.Dir, ModulePath: p.Module.Path,
	}, nil
}

// listed is what is asked of go list about a package: see `go help list`.
type listed struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	Module     *module

	GoFiles, CgoFiles, CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles []string
	SwigFiles, SwigCXXFiles, SysoFiles, EmbedFiles                      []string
}

type module struct {
	Path    string
	Main    bool
	Dir     string
	GoMod   string
	Replace *struct{ Version string }
}

// local reports whether the module's source is a folder on this machine that is the user's to
// change: a main module, one of the workspace, or one that is replaced by a folder.
func (m *module) local() bool {
	return m != nil && (m.Main || m.Replace != nil && m.Replace.Version == "")
}
