package deploy

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	executable := bytes.Repeat([]byte("\x7fELF and so on, "), 10_000)
	data, err := archive(executable)
	if err != nil {
		t.Fatal(err)
	}
	again, err := archive(executable)
	if err != nil || !bytes.Equal(data, again) {
		t.Fatalf("the same executable made other bytes (%v)", err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("the archive holds %d files, first %s %v", len(z.File), z.File[0].Name, z.File[0].Mode())
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, executable) {
		t.Fatalf("unpacked %d bytes (%v), want %d", len(got), err, len(executable))
	}
}
