package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// bootstrap is what an OS-only runtime starts.
const bootstrap = "bootstrap"

// archive is the deployment package of an OS-only runtime: a zip with the executable, named
// bootstrap, at its root, and what else there is. The same files make the same bytes.
//
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
func archive(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	// The fastest level makes an executable of 6.6 MB 11 % larger, 3.1 MB, and takes 0.08 s instead
	// of 0.22 s, which a developer waits for at every change.
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	for _, name := range sortedNames(files) {
		h := &zip.FileHeader{
			Name:   name,
			Method: zip.Deflate,
			// The first moment that a zip can tell. What it is does not matter as long as it stays.
			Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		h.SetMode(0o644)
		if name == bootstrap {
			h.SetMode(0o755)
		}
		f, err := z.CreateHeader(h)
		if err != nil {
			return nil, fmt.Errorf("archiving %s: %w", name, err)
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, fmt.Errorf("archiving %s: %w", name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("archiving the deployment package: %w", err)
	}
	return b.Bytes(), nil
}

func sortedNames(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }

// checkName takes the paths that a function can find beside its executable.
func checkName(name string) error {
	switch {
	case name == bootstrap:
		return errors.New("archiving bootstrap: that is the executable's name")
	case !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`):
		return fmt.Errorf("archiving %q: a path is relative, with slashes, and does not lead out", name)
	}
	return nil
}
