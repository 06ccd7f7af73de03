package s3

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
