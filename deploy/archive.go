package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"time"
)

// archive is the deployment package of an OS-only runtime: a zip with the executable, named
// bootstrap, at its root. The same executable makes the same bytes.
//
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
func archive(executable []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	// The fastest level makes an executable of 6.6 MB 11 % larger, 3.1 MB, and takes 0.08 s instead
	// of 0.22 s, which a developer waits for at every change.
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	h := &zip.FileHeader{
		Name:   "bootstrap",
		Method: zip.Deflate,
		// The first moment that a zip can tell. What it is does not matter as long as it stays.
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	h.SetMode(0o755)
	f, err := z.CreateHeader(h)
	if err != nil {
		return nil, fmt.Errorf("archiving the executable: %w", err)
	}
	if _, err := f.Write(executable); err != nil {
		return nil, fmt.Errorf("archiving the executable: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("archiving the executable: %w", err)
	}
	return b.Bytes(), nil
}
