package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The checksums of https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
// by their names in headers (x-amz-checksum-…).
var newChecksum = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(castagnoli) },
	"crc64nvme": func() hash.Hash { return crc64.New(nvme) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5) // NVM Express's polynomial, reflected
)

const (
	checksumHeader   = "X-Amz-Checksum-"
	defaultAlgorithm = "crc64nvme" // what S3 computes where the client says nothing
)

// Checks are what a client says of a body; all must be true of it. Values are as in the headers.
type Checks struct {
	ContentMD5 string            // base64
	SHA256     string            // hexadecimal, of the body as it was signed
	Checksums  map[string]string // base64, by names as in Object
}

// digest computes all that is asked of a body while it passes.
type digest struct {
	md5    hash.Hash
	signed hash.Hash // nil where nobody asks
	sums   map[string]hash.Hash
	size   int64
}

// newDigest computes the algorithms; without any, S3's default.
func newDigest(algorithms []string, signed bool) *digest {
	d := &digest{md5: md5.New(), sums: map[string]hash.Hash{}}
	if len(algorithms) == 0 {
		algorithms = []string{defaultAlgorithm}
	}
	for _, a := range algorithms {
		d.sums[a] = newChecksum[a]()
	}
	if signed {
		d.signed = sha256.New()
	}
	return d
}

func (d *digest) Write(p []byte) (int, error) {
	d.md5.Write(p)
	if d.signed != nil {
		d.signed.Write(p)
	}
	for _, h := range d.sums {
		h.Write(p)
	}
	d.size += int64(len(p))
	return len(p), nil
}

func (d *digest) etag() string { return hex.EncodeToString(d.md5.Sum(nil)) }

func (d *digest) checksums() map[string]string {
	out := make(map[string]string, len(d.sums))
	for name, h := range d.sums {
		out[name] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	return out
}

// verify compares what passed with what the client said.
func (d *digest) verify(c Checks) error {
	if c.ContentMD5 != "" {
		want, err := base64.StdEncoding.DecodeString(c.ContentMD5)
		if err != nil || len(want) != md5.Size {
			return fail("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
		}
		if hex.EncodeToString(want) != d.etag() {
			return fail("BadDigest", 400, "The Content-MD5 you specified did not match what we received.")
		}
	}
	if c.SHA256 != "" && d.signed != nil && !strings.EqualFold(c.SHA256, hex.EncodeToString(d.signed.Sum(nil))) {
		return fail("XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	for name, want := range c.Checksums {
		h := d.sums[name]
		raw, err := base64.StdEncoding.DecodeString(want)
		if h == nil || err != nil || len(raw) != h.Size() {
			return fail("InvalidRequest", 400, "Value for x-amz-checksum-%s header is invalid.", name)
		}
		if string(raw) != string(h.Sum(nil)) {
			return fail("BadDigest", 400, "The %s you specified did not match the calculated checksum.", strings.ToUpper(name))
		}
	}
	return nil
}

// checksumsIn are the checksums among headers, or trailers.
func checksumsIn(h http.Header) (map[string]string, error) {
	out := map[string]string{}
	for name := range h {
		algorithm := strings.ToLower(strings.TrimPrefix(name, checksumHeader))
		if !strings.HasPrefix(name, checksumHeader) || algorithm == "type" || algorithm == "mode" || algorithm == "algorithm" {
			continue
		}
		if newChecksum[algorithm] == nil {
			return nil, fail("InvalidRequest", 400, "The algorithm of %s is not known", name)
		}
		out[algorithm] = h.Get(name)
	}
	if len(out) > 1 {
		return nil, fail("InvalidRequest", 400, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed: %s",
			strings.Join(slices.Sorted(maps.Keys(out)), ", "))
	}
	return out, nil
}
