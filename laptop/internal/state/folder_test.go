package state

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	f := Folder[int]{Dir: filepath.Join(t.TempDir(), "a", "b")}
	holds := func(want ...int) {
		t.Helper()
		if got, err := f.Load(); err != nil || !slices.Equal(got, want) {
			t.Fatalf("Load: %v, %v, want %v", got, err, want)
		}
	}
	holds()
	for n, name := range []string{"x", "y", "x"} {
		if err := f.Save(name, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".z.json-1", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(f.Dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holds(2, 1)
	for range 2 {
		if err := f.Remove("x"); err != nil {
			t.Fatal(err)
		}
	}
	holds(1)
	broken := filepath.Join(f.Dir, "z.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("Load: %v, want an error that names %s", err, broken)
	}
	var told []string
	f.Broken = func(file string, err error) { told = append(told, file+": "+err.Error()) }
	holds(1)
	if len(told) != 1 || !strings.HasPrefix(told[0], broken+": ") {
		t.Errorf("told %q", told)
	}
}

// Files that an earlier version kept have this name, too.
func TestName(t *testing.T) {
	t.Parallel()
	for of, want := range map[string]string{"": "e3b0c44298fc1c149afbf4c8996fb924", "a": "ca978112ca1bbdcafac231b39a23dc4d"} {
		if got := Name(of); got != want {
			t.Errorf("%q is in %s, want %s", of, got, want)
		}
	}
}
