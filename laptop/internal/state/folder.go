package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder keeps values of one type in a directory, each in a file of its own with the name that its
// owner gives it, without the ending .json. A name begins with no dot: those are files that a
// crash left half written, which Load passes over.
//
//	roles := state.Folder[Role]{Dir: dir}
//	all, err := roles.Load()
//	err = roles.Save("reader", role)
//	err = roles.Remove("reader")
type Folder[V any] struct {
	Dir string
	// Broken is told of a file that holds no value, and Load goes on without it. Nil makes it an error.
	Broken func(file string, err error)
}

// Load makes the directory if it is missing and reads every value in it.
func (f Folder[V]) Load() ([]V, error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("reading state: %w", err)
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading state: %w", err)
	}
	var all []V
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		var v V
		err := Load(filepath.Join(f.Dir, e.Name()), &v)
		_, unread := errors.AsType[*fs.PathError](err) // which is not the file's fault
		if err != nil && !unread && f.Broken != nil {
			f.Broken(filepath.Join(f.Dir, e.Name()), err)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Save writes a value as the function Save does.
func (f Folder[V]) Save(name string, v V) error { return Save(f.path(name), v) }

// Remove deletes a value; one that is gone already is no error.
func (f Folder[V]) Remove(name string) error {
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting state: %w", err)
	}
	return nil
}

func (f Folder[V]) path(name string) string { return filepath.Join(f.Dir, name+".json") }

// Name is what Save calls the file of something that may have any characters in its own name, or an ARN. It must stay
// as it is: what was kept before is found by it.
func Name(of string) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:16])
}
