package s3

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// maxObject is the largest body of one PutObject or UploadPart.
const maxObject = 5 << 30

// PutInput is one object to be stored.
type PutInput struct {
	Bucket, Key string
	Body        io.Reader
	// Size is how long Body must be; -1 means that it is not known.
	Size int64
	// Headers and Metadata are as in Object.
	Headers, Metadata map[string]string
	Checks            Checks
	// Algorithm is the checksum to compute and keep if Checks has none; "" means S3's default.
	Algorithm string
	// Trailer is asked for more checksums to verify once Body has ended; may be nil.
	Trailer func() (map[string]string, error)
	// IfNoneMatch "*" refuses to replace an object. IfMatch replaces only one with that ETag.
	IfNoneMatch, IfMatch string
}

// PutObject stores an object. When it returns without an error the object survives a crash;
// with one, nothing has changed.
func (s *Service) PutObject(ctx context.Context, in PutInput) (Object, error) {
	return s.put(ctx, in, "Put")
}

func (s *Service) put(ctx context.Context, in PutInput, operation string) (Object, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return Object{}, err
	}
	if err := validateKey(in.Key); err != nil {
		return Object{}, err
	}
	blob, d, err := b.writeBlob(ctx, in)
	if err != nil {
		return Object{}, err
	}
	o := Object{
		Key: in.Key, Size: d.size, ETag: d.etag(), Headers: in.Headers, Metadata: in.Metadata,
		Checksums: d.checksums(), ChecksumType: "FULL_OBJECT", Blob: blob,
	}
	return s.add(b, o, condition{in.IfNoneMatch, in.IfMatch}, operation)
}

// condition is what must hold of the object that is replaced.
type condition struct{ noneMatch, match string }

func (c condition) check(key string, current Object, exists bool) error {
	switch {
	case c.noneMatch == "*" && exists:
		return preconditionFailed()
	case c.noneMatch != "" && c.noneMatch != "*":
		return notImplemented("If-None-Match with anything but * on a write")
	case c.match != "" && !exists:
		return noSuchKey(key)
	case c.match != "" && strings.Trim(c.match, `"`) != current.ETag:
		return preconditionFailed()
	}
	return nil
}

// add makes o, whose blob is written, the newest version of its key. If it cannot, the blob goes.
func (s *Service) add(b *bucket, o Object, c condition, operation string) (Object, error) {
	o.LastModified = now()
	err := b.addVersion(&o, c)
	if err != nil {
		return Object{}, errors.Join(err, removeIfThere(b.blobPath(o.Blob)))
	}
	s.config.Events(ObjectCreated{Bucket: b.info.Name, Object: o, Operation: operation})
	s.notify(b.configuration(), "ObjectCreated:"+operation, o)
	return o, nil
}

func (b *bucket) addVersion(o *Object, c condition) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return noSuchBucket(b.info.Name)
	}
	h := b.keys[o.Key]
	current, exists := h.current()
	if err := c.check(o.Key, current, exists); err != nil {
		return err
	}
	return b.commit(o.Key, b.withNewest(h, o))
}

// withNewest is h's versions with o as the newest one, under the ID that the bucket's versioning
// gives it. b.mu is held.
func (b *bucket) withNewest(h *history, o *Object) []Object {
	var versions []Object
	if h != nil {
		versions = slices.Clone(h.Versions)
	}
	if b.info.Versioning == "Enabled" {
		o.VersionID = newVersionID()
	} else {
		o.VersionID = "null"
		versions = slices.DeleteFunc(versions, func(v Object) bool { return v.VersionID == "null" })
	}
	return append(versions, *o)
}

// writeBlob stores and verifies a body. The blob belongs to nothing yet.
func (b *bucket) writeBlob(ctx context.Context, in PutInput) (blob string, d *digest, err error) {
	var algorithms []string
	for name := range in.Checks.Checksums {
		algorithms = append(algorithms, name)
	}
	if in.Algorithm != "" && !slices.Contains(algorithms, in.Algorithm) {
		algorithms = append(algorithms, in.Algorithm)
	}
	for _, name := range algorithms {
		if newChecksum[name] == nil {
			return "", nil, fail("InvalidRequest", 400, "Checksum algorithm provided is unsupported: %s", name)
		}
	}
	d = newDigest(algorithms, in.Checks.SHA256 != "")
	blob, err = b.createBlob(func(f io.Writer) error {
		limit := int64(maxObject)
		if in.Size >= 0 {
			limit = in.Size
		}
		_, err := io.Copy(io.MultiWriter(f, d), io.LimitReader(&interruptible{ctx, in.Body}, limit+1))
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return incomplete()
		case err != nil:
			return err
		case d.size > maxObject:
			return fail("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size of %d bytes", int64(maxObject))
		case in.Size >= 0 && d.size != in.Size:
			return fail("IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header: %d, not %d", d.size, in.Size)
		}
		checks := in.Checks
		if err := d.verify(checks); err != nil || in.Trailer == nil {
			return err
		}
		late, err := in.Trailer()
		if err != nil {
			return err
		}
		return d.verify(Checks{Checksums: late})
	})
	return blob, d, err
}

// createBlob makes a durable file of what write writes.
func (b *bucket) createBlob(write func(io.Writer) error) (blob string, err error) {
	dir := filepath.Join(b.dir, "blobs")
	f, err := os.CreateTemp(dir, "*")
	if errors.Is(err, os.ErrNotExist) {
		return "", noSuchBucket(b.info.Name)
	}
	if err != nil {
		return "", fmt.Errorf("writing an object: %w", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = state.SyncDir(dir)
	}
	if err != nil {
		return "", errors.Join(err, removeIfThere(f.Name()))
	}
	return filepath.Base(f.Name()), nil
}

func validateKey(key string) error {
	switch {
	case key == "":
		return fail("InvalidArgument", 400, "A key has at least one character")
	case len(key) > maxKey:
		return fail("KeyTooLongError", 400, "Your key is too long: %d bytes; S3 takes %d", len(key), maxKey)
	case !utf8.ValidString(key):
		return fail("InvalidURI", 400, "Couldn't parse the specified URI: the key is not UTF-8")
	}
	return nil
}

// interruptible reads until ctx ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

func newVersionID() string {
	var raw [24]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program first
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
