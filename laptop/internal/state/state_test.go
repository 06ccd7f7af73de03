package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b.json")
	var got map[string]int
	if err := Load(path, &got); err != nil || got != nil {
		t.Fatalf("Load of nothing: %v, %v", got, err)
	}
	for _, n := range []int{1, 2} {
		if err := Save(path, map[string]int{"n": n}); err != nil {
			t.Fatal(err)
		}
		if err := Load(path, &got); err != nil || got["n"] != n {
			t.Fatalf("Load: %v, %v, want n = %d", got, err, n)
		}
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Fatalf("%d files stand where one should", len(files))
	}
}

func TestLoadNamesABrokenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "b.json")
	if err := os.WriteFile(path, []byte(`{"n":`), 0o600); err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	if err := Load(path, &got); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("Load: %v, want an error that names %s", err, path)
	}
}

func TestSaveLeavesTheOldValueWhenItFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "b.json")
	if err := Save(path, 1); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, func() {}); err == nil {
		t.Fatal("Save of a function succeeded")
	}
	var got int
	if err := Load(path, &got); err != nil || got != 1 {
		t.Fatalf("Load: %v, %v", got, err)
	}
}

func TestSyncDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("SyncDir of nothing: %v", err)
	}
}

func TestLoadOfNull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n.json")
	if err := os.WriteFile(path, []byte(" null\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := map[string]int{"kept": 1}
	if err := Load(path, &m); err != nil || m["kept"] != 1 {
		t.Errorf("a map: %v, %v", m, err)
	}
	var p *struct{ Name string }
	if err := Load(path, &p); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a record: %v", err)
	}
}
