// Package state keeps small values on disk so that a crash at any moment leaves the old value
// or the new one, never half of either.
package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
)

// Save writes v to path as JSON and returns once it would survive a loss of power: the new
// file is written beside the old one, synced, and renamed over it. Folders are made if missing.
func Save(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return WriteFile(path, append(data, '\n'))
}

// Load reads the JSON at path into v. A file that is not there leaves v as it is and is no error.
func Load(path string, v any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading state: %w", err)
	}
	if string(bytes.TrimSpace(data)) == "null" {
		// Save writes it for a map or list that is nil. Anything else was never saved so.
		if k := reflect.TypeOf(v).Elem().Kind(); k == reflect.Map || k == reflect.Slice {
			return nil
		}
		return fmt.Errorf("reading state %s: it holds nothing", path)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading state %s: %w", path, err)
	}
	return nil
}

// WriteFile is Save for bytes. Files and folders are the owner's alone.
func WriteFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("writing state: %w", err)
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("writing state: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing state %s: %w", path, err), os.Remove(f.Name()))
	}
	if err := SyncDir(dir); err != nil {
		return fmt.Errorf("writing state: %w", err)
	}
	return nil
}

// SyncDir returns once the names in the folder dir, new ones and removed ones, would survive a
// loss of power. What the files hold is not its concern.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	return nil
}
