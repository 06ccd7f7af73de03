package s3

import (
	"strings"
	"testing"
)

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
