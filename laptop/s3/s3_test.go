package s3

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants reports an error whose code is not the wanted one.
func wants(t testing.TB, err error, code string) {
	t.Helper()
	if err == nil || awsproto.From(err).Code != code {
		t.Errorf("the error is %v, want %s", err, code)
	}
}

func openService(t testing.TB, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	must(t, err)
	return s
}

func newBucketNamed(t testing.TB, s *Service, name string) {
	t.Helper()
	must(t, s.CreateBucket(BucketInput{BucketName: name}))
}

func store(t testing.TB, s *Service, bucket, key, text string) Object {
	t.Helper()
	o, err := s.PutObject(t.Context(), PutInput{Bucket: bucket, Key: key, Body: strings.NewReader(text), Size: int64(len(text))})
	must(t, err)
	return o
}

func read(t testing.TB, s *Service, bucket, key, version string) string {
	t.Helper()
	data, err := s.GetObject(t.Context(), bucket, key, version)
	must(t, err)
	return string(data)
}

// files counts what is on disk under a bucket's sub-folder.
func files(t testing.TB, dir, bucket, sub string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, bucket, sub))
	must(t, err)
	return len(entries)
}

func TestObjectsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	keys := []string{"plain", "../../x", "/", "a//b/./../c", "ünïcödé ☕", "nul\x00and\nnewline", strings.Repeat("k", 1024), ".hidden", "con"}
	for _, key := range keys {
		store(t, s, "bkt", key, "text of "+key)
	}
	before, err := s.ListObjects(ListInput{Bucket: "bkt"})
	must(t, err)
	s = openService(t, dir)
	after, err := s.ListObjects(ListInput{Bucket: "bkt"})
	must(t, err)
	if diff := cmp.Diff(before, after); diff != "" || len(after.Objects) != len(keys) {
		t.Errorf("%d objects:\n%s", len(after.Objects), diff)
	}
	for _, key := range keys {
		if got := read(t, s, "bkt", key, ""); got != "text of "+key {
			t.Errorf("%q holds %q", key, got)
		}
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 && path != dir {
			t.Errorf("%s has mode %v: others can read it", path, info.Mode())
		}
		return nil
	})
	must(t, err)
}

// What a kill between any two steps leaves is cleaned up, and what was acknowledged is there.
func TestOpenSweepsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	store(t, s, "bkt", "k", "acknowledged")
	u, err := s.CreateUpload(Upload{Bucket: "bkt", Key: "big"})
	must(t, err)
	_, err = s.PutPart(t.Context(), PutInput{Bucket: "bkt", Key: "big", Body: strings.NewReader("part"), Size: 4}, u.UploadID, 1)
	must(t, err)
	for _, path := range []string{"bkt/blobs/halfwritten", "bkt/keys/.k.json-123", "half-made/keys/x.json", "bkt/uploads/ended/part-1.json"} {
		path = filepath.Join(dir, path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("{"), 0o600))
	}
	s = openService(t, dir)
	if got := read(t, s, "bkt", "k", ""); got != "acknowledged" {
		t.Errorf("%q", got)
	}
	if _, parts, err := s.ListParts("bkt", "big", u.UploadID); err != nil || len(parts) != 1 {
		t.Errorf("%d parts: %v", len(parts), err)
	}
	if n := files(t, dir, "bkt", "blobs"); n != 2 {
		t.Errorf("%d blobs, want the object's and the part's", n)
	}
	if files(t, dir, "bkt", "keys") != 1 || files(t, dir, "bkt", "uploads") != 1 {
		t.Error("something half written is left")
	}
	if _, err := os.Stat(filepath.Join(dir, "half-made")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the bucket without bucket.json: %v", err)
	}
}

func TestOpenNamesABrokenFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	store(t, s, "bkt", "k", "text")
	must(t, os.WriteFile(filepath.Join(dir, "bkt", "keys", keyFile("k")), []byte(`{"Key":"other"}`), 0o600))
	if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "bkt") {
		t.Errorf("%v", err)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add("../../x", "..")
	f.Add("a", "a/")
	f.Add("K", "k")
	f.Fuzz(func(t *testing.T, a, b string) {
		if name := keyFile(a); name != filepath.Base(name) || len(name) != 69 || strings.HasPrefix(name, ".") {
			t.Errorf("%q becomes the file %q", a, name)
		}
		if a != b && strings.EqualFold(keyFile(a), keyFile(b)) {
			t.Errorf("%q and %q have one file", a, b)
		}
	})
}
