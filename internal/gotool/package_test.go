package gotool_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/gotool"
)

// write makes files below root.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// realTempDir is t.TempDir under the name by which the go command knows it: on macOS the usual
// one leads through a link.
func realTempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindPackage(t *testing.T) {
	t.Parallel()
	dir := realTempDir(t)
	write(t, dir, map[string]string{
		"go.mod":           "module example.com/app\n\ngo 1.26\n",
		"cmd/shop/main.go": "package main\n\nfunc main() {}\n",
		"store/store.go":   "package store\n",
	})
	got, err := gotool.FindPackage(t.Context(), filepath.Join(dir, "cmd", "shop"))
	if err != nil {
		t.Fatal(err)
	}
	want := gotool.Package{
		ImportPath: "example.com/app/cmd/shop", Name: "main", Dir: filepath.Join(dir, "cmd", "shop"),
		ModuleDir: dir, ModulePath: "example.com/app",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("package (-want +got):\n%s", diff)
	}
}

func TestFindPackageByImportPath(t *testing.T) {
	t.Parallel()
	got, err := gotool.FindPackage(t.Context(), "github.com/ephor-io/ephor/internal/gotool")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got.Dir != here || got.Name != "gotool" {
		t.Errorf("got %+v, want the package in %s", got, here)
	}
}

func TestFindPackageErrors(t *testing.T) {
	t.Parallel()
	dir := realTempDir(t)
	write(t, dir, map[string]string{"main.go": "package main\n"})
	for _, test := range []struct{ name, path, says string }{
		{"built from files", "command-line-arguments", "go run ."},
		{"not there", "example.com/nothere", "example.com/nothere"},
		{"no module", dir, "go.mod"},
		{"a flag", "-x", "-x"},
		{"several", "std", "not one package"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := gotool.FindPackage(t.Context(), test.path)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %+v, %v; want an error with %q", got, err, test.says)
			}
		})
	}
}

func TestNoGoCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := gotool.FindPackage(t.Context(), "example.com/app"); !errors.Is(err, gotool.ErrNoGo) {
		t.Errorf("FindPackage: %v", err)
	}
	err := gotool.Build(t.Context(), gotool.Config{Package: ".", Output: filepath.Join(t.TempDir(), "out")})
	if !errors.Is(err, gotool.ErrNoGo) {
		t.Errorf("Build: %v", err)
	}
	if _, err := gotool.Files(t.Context(), "", ".", nil); !errors.Is(err, gotool.ErrNoGo) {
		t.Errorf("Files: %v", err)
	}
}
