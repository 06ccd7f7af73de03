package s3

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/google/go-cmp/cmp"
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

func TestAPutThatEndsInTheMiddleLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	store(t, s, "bkt", "k", "old")
	f := func(name string, in PutInput, code string) {
		t.Helper()
		in.Bucket, in.Key = "bkt", "k"
		_, err := s.PutObject(t.Context(), in)
		if code != "" {
			wants(t, err, code)
		} else if err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := read(t, s, "bkt", "k", ""); got != "old" {
			t.Errorf("%s: the object is %q", name, got)
		}
		if n := files(t, dir, "bkt", "blobs"); n != 1 {
			t.Errorf("%s: %d blobs, want the old one", name, n)
		}
	}
	f("broken connection", PutInput{Body: io.MultiReader(strings.NewReader("new"), iotest.ErrReader(errors.New("reset"))), Size: -1}, "")
	f("cut short", PutInput{Body: strings.NewReader("new"), Size: 10}, "IncompleteBody")
	f("unexpected end", PutInput{Body: iotest.ErrReader(io.ErrUnexpectedEOF), Size: 10}, "IncompleteBody")
	f("too long", PutInput{Body: strings.NewReader("new"), Size: 2}, "IncompleteBody")
	f("wrong MD5", PutInput{Body: strings.NewReader("new"), Size: 3, Checks: Checks{ContentMD5: "AAAAAAAAAAAAAAAAAAAAAA=="}}, "BadDigest")
	f("no MD5", PutInput{Body: strings.NewReader("new"), Size: 3, Checks: Checks{ContentMD5: "AAAA"}}, "InvalidDigest")
	f("wrong SHA-256", PutInput{Body: strings.NewReader("new"), Size: 3, Checks: Checks{SHA256: strings.Repeat("0", 64)}}, "XAmzContentSHA256Mismatch")
	f("wrong checksum", PutInput{Body: strings.NewReader("new"), Size: 3, Checks: Checks{Checksums: map[string]string{"crc32": "AAAAAA=="}}}, "BadDigest")
	f("no checksum", PutInput{Body: strings.NewReader("new"), Size: 3, Checks: Checks{Checksums: map[string]string{"crc32": "AAA="}}}, "InvalidRequest")
	f("unknown checksum", PutInput{Body: strings.NewReader("new"), Size: 3, Algorithm: "crc8"}, "InvalidRequest")
	f("exists", PutInput{Body: strings.NewReader("new"), Size: 3, IfNoneMatch: "*"}, "PreconditionFailed")
	f("another ETag", PutInput{Body: strings.NewReader("new"), Size: 3, IfMatch: `"0"`}, "PreconditionFailed")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.PutObject(ctx, PutInput{Bucket: "bkt", Key: "k", Body: strings.NewReader("new"), Size: 3}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
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

func TestVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	if o := store(t, s, "bkt", "k", "zero"); o.VersionID != "null" {
		t.Errorf("without versioning the version is %q", o.VersionID)
	}
	must(t, s.UpdateBucket(BucketInput{BucketName: "bkt", VersioningConfiguration: "Enabled"}))
	one, two := store(t, s, "bkt", "k", "one"), store(t, s, "bkt", "k", "two")
	removed, err := s.DeleteObject("bkt", "k", "")
	must(t, err)
	if !removed.DeleteMarker || removed.VersionID == "" {
		t.Errorf("the deletion made %+v", removed)
	}
	s = openService(t, dir)
	_, err = s.GetObject(t.Context(), "bkt", "k", "")
	wants(t, err, "NoSuchKey")
	_, err = s.HeadObject("bkt", "k", removed.VersionID)
	wants(t, err, "MethodNotAllowed")
	_, err = s.HeadObject("bkt", "k", "nope")
	wants(t, err, "NoSuchVersion")
	for version, want := range map[string]string{"null": "zero", one.VersionID: "one", two.VersionID: "two"} {
		if got := read(t, s, "bkt", "k", version); got != want {
			t.Errorf("version %s is %q, want %q", version, got, want)
		}
	}
	list, err := s.ListVersions(VersionsInput{ListInput: ListInput{Bucket: "bkt"}})
	must(t, err)
	var got []string
	for _, o := range list.Objects {
		got = append(got, o.VersionID)
	}
	if diff := cmp.Diff([]string{removed.VersionID, two.VersionID, one.VersionID, "null"}, got); diff != "" || list.Latest["k"] != removed.VersionID {
		t.Errorf("latest %s\n%s", list.Latest["k"], diff)
	}
	// Page by page it is the same.
	var paged []string
	for in := (VersionsInput{ListInput: ListInput{Bucket: "bkt", MaxKeys: 1}}); ; {
		page, err := s.ListVersions(in)
		must(t, err)
		paged = append(paged, page.Objects[0].VersionID)
		if page.Next == "" {
			break
		}
		in.After, in.AfterVersion = page.Next, page.NextVersion
	}
	if diff := cmp.Diff(got, paged); diff != "" {
		t.Error(diff)
	}

	wants(t, s.DeleteBucket("bkt"), "BucketNotEmpty")
	_, err = s.DeleteObject("bkt", "k", removed.VersionID)
	must(t, err)
	if got := read(t, s, "bkt", "k", ""); got != "two" {
		t.Errorf("without its delete marker the object is %q", got)
	}
	must(t, s.UpdateBucket(BucketInput{BucketName: "bkt"}))
	if b, _ := s.GetBucket("bkt"); b.Versioning != "Suspended" {
		t.Errorf("versioning that was on is %q", b.Versioning)
	}
	store(t, s, "bkt", "k", "zero again")
	if _, err := s.DeleteObject("bkt", "k", ""); err != nil {
		t.Fatal(err)
	}
	list, _ = s.ListVersions(VersionsInput{ListInput: ListInput{Bucket: "bkt"}})
	if list.Latest["k"] != "null" || len(list.Objects) != 3 {
		t.Errorf("suspended: latest %s of %d", list.Latest["k"], len(list.Objects))
	}
	for _, o := range list.Objects {
		if _, err := s.DeleteObject("bkt", "k", o.VersionID); err != nil {
			t.Fatal(err)
		}
	}
	if n := files(t, dir, "bkt", "blobs"); n != 0 {
		t.Errorf("%d blobs are left of nothing", n)
	}
	must(t, s.DeleteBucket("bkt"))
	if _, err := os.Stat(filepath.Join(dir, "bkt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the bucket's folder: %v", err)
	}
}

func TestBucketNames(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	for _, name := range []string{"abc", "a.b-c", "123", strings.Repeat("a", 63)} {
		must(t, s.CreateBucket(BucketInput{BucketName: name}))
		wants(t, s.CreateBucket(BucketInput{BucketName: name}), "BucketAlreadyOwnedByYou")
	}
	for _, name := range []string{"", "ab", "ABC", "a_b", "-ab", "ab-", "a..b", "192.168.0.1", "../x", "a/b", "xn--a", "a-s3alias", strings.Repeat("a", 64)} {
		wants(t, s.CreateBucket(BucketInput{BucketName: name}), "InvalidBucketName")
	}
	wants(t, s.CreateBucket(BucketInput{BucketName: "bad", VersioningConfiguration: "On"}), "MalformedXML")
	wants(t, s.CreateBucket(BucketInput{BucketName: "bad", BucketEncryption: &Encryption{SSEAlgorithm: "rot13"}}), "MalformedXML")
	wants(t, s.DeleteBucket("nope"), "NoSuchBucket")
	if got := len(s.ListBuckets()); got != 4 {
		t.Errorf("%d buckets, want 4", got)
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	newBucketNamed(t, s, "bkt")
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "b0", "c/", "c/d", "e"} {
		store(t, s, "bkt", key, "")
	}
	f := func(in ListInput, want ...string) {
		t.Helper()
		in.Bucket = "bkt"
		var got []string
		for {
			page, err := s.ListObjects(in)
			must(t, err)
			if in.MaxKeys > 0 && len(page.Objects)+len(page.CommonPrefixes) > in.MaxKeys {
				t.Errorf("a page of %d has more", in.MaxKeys)
			}
			for _, o := range page.Objects {
				got = append(got, o.Key)
			}
			for _, p := range page.CommonPrefixes {
				got = append(got, p+"*")
			}
			if page.Next == "" {
				break
			}
			in.After = page.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v:\n%s", in, diff)
		}
	}
	for _, most := range []int{0, 1, 2, 3} {
		f(ListInput{MaxKeys: most}, "a", "b/1", "b/2", "b/c/3", "b0", "c/", "c/d", "e")
		f(ListInput{MaxKeys: most, Prefix: "b/"}, "b/1", "b/2", "b/c/3")
		f(ListInput{MaxKeys: most, Prefix: "b/", Delimiter: "/"}, "b/1", "b/2", "b/c/*")
		f(ListInput{MaxKeys: most, Prefix: "c/", Delimiter: "/"}, "c/", "c/d")
		f(ListInput{MaxKeys: most, Prefix: "nope"})
		f(ListInput{MaxKeys: most, After: "b/2"}, "b/c/3", "b0", "c/", "c/d", "e")
	}
	f(ListInput{MaxKeys: 1, Delimiter: "/"}, "a", "b/*", "b0", "c/*", "e")
	f(ListInput{Delimiter: "/"}, "a", "b0", "e", "b/*", "c/*")
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	u, err := s.CreateUpload(Upload{Bucket: "bkt", Key: "big", Headers: map[string]string{"Content-Type": "a/b"}})
	must(t, err)
	part := func(n int, text string) CompletedPart {
		t.Helper()
		p, err := s.PutPart(t.Context(), PutInput{Bucket: "bkt", Key: "big", Body: strings.NewReader(text), Size: int64(len(text))}, u.UploadID, n)
		must(t, err)
		return CompletedPart{PartNumber: n, ETag: `"` + p.ETag + `"`}
	}
	first := strings.Repeat("x", 5<<20)
	part(1, "replaced")
	one, two, three := part(1, first), part(2, "two"), part(7, "seven")
	s = openService(t, dir)
	complete := func(parts ...CompletedPart) (Object, error) {
		return s.CompleteUpload(t.Context(), CompleteInput{Bucket: "bkt", Key: "big", UploadID: u.UploadID, Parts: parts})
	}
	_, err = complete(two, one)
	wants(t, err, "InvalidPartOrder")
	_, err = complete(one, CompletedPart{PartNumber: 2, ETag: one.ETag})
	wants(t, err, "InvalidPart")
	_, err = complete(one, two, three)
	wants(t, err, "EntityTooSmall")
	_, err = complete()
	wants(t, err, "MalformedXML")
	_, err = s.CompleteUpload(t.Context(), CompleteInput{Bucket: "bkt", Key: "other", UploadID: u.UploadID, Parts: []CompletedPart{one}})
	wants(t, err, "NoSuchUpload")
	o, err := complete(one, three)
	must(t, err)
	if !strings.HasSuffix(o.ETag, "-2") || o.Size != 5<<20+5 || o.Headers["Content-Type"] != "a/b" || o.ChecksumType != "FULL_OBJECT" {
		t.Errorf("%+v", o)
	}
	if read(t, s, "bkt", "big", "") != first+"seven" {
		t.Error("the object is not its parts")
	}
	if files(t, dir, "bkt", "blobs") != 1 || files(t, dir, "bkt", "uploads") != 0 {
		t.Error("parts are left")
	}
	_, err = complete(one, three)
	wants(t, err, "NoSuchUpload")
	wants(t, s.AbortUpload("bkt", "big", u.UploadID), "NoSuchUpload")
	_, err = s.CreateUpload(Upload{Bucket: "bkt", Key: "k", Algorithm: "sha256", ChecksumType: "FULL_OBJECT"})
	wants(t, err, "InvalidRequest")
}

func TestAReaderKeepsWhatItOpened(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	newBucketNamed(t, s, "bkt")
	store(t, s, "bkt", "k", "old")
	f, _, err := s.OpenObject("bkt", "k", "")
	must(t, err)
	defer f.Close()
	store(t, s, "bkt", "k", "new")
	_, err = s.DeleteObject("bkt", "k", "")
	must(t, err)
	if data, err := io.ReadAll(f); err != nil || string(data) != "old" {
		t.Errorf("%q, %v", data, err)
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
