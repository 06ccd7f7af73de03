// Package functiontest makes the code of Lambda functions, for tests that need real ones.
package functiontest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds the program whose source is in a folder, as it is deployed but for further build tags, and returns
// its bytes.
func Build(source string, tags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "ephor-lambda-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "program")
	build := exec.Command("go", "build", "-tags", strings.Join(append(tags, "lambda.norpc"), ","), "-ldflags", "-s -w", "-o", program, ".")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s: %w\n%s", source, err, out)
	}
	return os.ReadFile(program)
}

// File is a file of an archive.
type File struct {
	Mode fs.FileMode
	Data []byte
}

// Zip makes an archive of files by their names.
func Zip(files map[string]File) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, f := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Store}
		h.SetMode(f.Mode)
		out, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(f.Data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}

// Deployment is the archive of a function whose source is in a folder.
func Deployment(source string, tags ...string) ([]byte, error) {
	data, err := Build(source, tags...)
	if err != nil {
		return nil, err
	}
	return Zip(map[string]File{"bootstrap": {Mode: 0o755, Data: data}})
}
