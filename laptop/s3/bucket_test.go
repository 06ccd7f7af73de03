package s3

import (
	"strings"
	"testing"
)

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
