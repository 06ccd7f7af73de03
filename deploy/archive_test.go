package deploy

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"testing"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	executable := bytes.Repeat([]byte("\x7fELF and so on, "), 10_000)
	files := map[string][]byte{"bootstrap": executable, "web/index.html": []byte("<p>")}
	data, err := archive(files)
	if err != nil {
		t.Fatal(err)
	}
	again, err := archive(maps.Clone(files))
	if err != nil || !bytes.Equal(data, again) {
		t.Fatalf("the same executable made other bytes (%v)", err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 2 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("the archive holds %d files, first %s %v", len(z.File), z.File[0].Name, z.File[0].Mode())
	}
	if z.File[1].Name != "web/index.html" || z.File[1].Mode() != 0o644 {
		t.Errorf("beside it: %s %v", z.File[1].Name, z.File[1].Mode())
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

func TestWhatMayBeArchived(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{"a": true, "web/a.html": true, "bootstrap": false, "/a": false, "../a": false, "a/../b": false, `a\b`: false, ".": false, "": false} {
		if err := checkName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
