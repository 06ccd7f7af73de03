package s3

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func FuzzChunked(f *testing.F) {
	f.Add([]byte("5;chunk-signature=abc\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"))
	f.Add([]byte("0\r\n\r\n"))
	f.Add([]byte("ffffffffffffffff\r\nx"))
	f.Add([]byte("1\r\nab\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := io.ReadAll(newChunkedReader(bytes.NewReader(body)))
		if err == nil && len(data) >= len(body) {
			t.Errorf("%d bytes out of %d", len(data), len(body))
		}
		var known *awsproto.Error
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%q: %v", body, err)
		}
		// However the bytes arrive, the outcome is the same.
		again, err2 := io.ReadAll(newChunkedReader(iotest.OneByteReader(bytes.NewReader(body))))
		if !bytes.Equal(data, again) || (err == nil) != (err2 == nil) {
			t.Errorf("%q: %q, %v and byte by byte %q, %v", body, data, err, again, err2)
		}
	})
}

func TestChunked(t *testing.T) {
	t.Parallel()
	f := func(body, want, wantCode string) {
		t.Helper()
		r := newChunkedReader(strings.NewReader(body))
		data, err := io.ReadAll(r)
		switch {
		case wantCode != "":
			wants(t, err, wantCode)
		case err != nil || string(data) != want:
			t.Errorf("%q: %q, %v", body, data, err)
		}
	}
	f("5\r\nhello\r\n6;chunk-signature=00\r\n world\r\n0\r\n\r\n", "hello world", "")
	f("0\r\n", "", "")
	f("1\r\nx\r\n0\r\na:b\r\n", "x", "")
	f("", "", "IncompleteBody")
	f("5\r\nhel", "", "IncompleteBody")
	f("5\r\nhello", "", "IncompleteBody")
	f("5\r\nhello\r\n", "", "IncompleteBody")
	f("5\r\nhello!\r\n0\r\n\r\n", "", "InvalidRequest")
	f("zz\r\n", "", "InvalidRequest")
	f("-1\r\n", "", "InvalidRequest")
	f(strings.Repeat("0", maxChunkLine)+"1\r\nx\r\n0\r\n\r\n", "", "InvalidRequest")
	f("0\r\nno colon\r\n\r\n", "", "InvalidRequest")
	f("0\r\n"+strings.Repeat("a:b\r\n", maxTrailers+1), "", "InvalidRequest")
	r := newChunkedReader(strings.NewReader("1\r\nx\r\n0\r\nx-amz-checksum-crc32: AAAA \r\n\r\n"))
	if _, err := io.ReadAll(r); err != nil || r.Trailer().Get("X-Amz-Checksum-Crc32") != "AAAA" {
		t.Errorf("%v, %v", r.Trailer(), err)
	}
}
