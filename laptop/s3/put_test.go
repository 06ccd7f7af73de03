package s3

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

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
