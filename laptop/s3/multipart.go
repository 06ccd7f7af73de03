package s3

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// The limits of https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	maxParts = 10000
	minPart  = 5 << 20
)

// Upload is a multipart upload that was begun.
type Upload struct {
	Bucket, Key, UploadID string
	Initiated             time.Time
	Headers, Metadata     map[string]string
	Algorithm             string // of the checksum, as in PutInput
	ChecksumType          string // FULL_OBJECT or COMPOSITE
}

// Part is one part of an upload.
type Part struct {
	PartNumber   int
	Size         int64
	ETag         string
	LastModified time.Time
	Checksums    map[string]string

	Blob string
}

// upload is an upload with its parts, in a folder of its own: upload.json, and a file per part.
type upload struct {
	Upload
	dir   string
	parts map[int]Part
}

// CreateUpload begins a multipart upload. Bucket and Key are set by the caller, as are those of
// Headers, Metadata, Algorithm and ChecksumType that are wanted.
func (s *Service) CreateUpload(in Upload) (Upload, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return Upload{}, err
	}
	if err := validateKey(in.Key); err != nil {
		return Upload{}, err
	}
	if in.Algorithm == "" {
		in.Algorithm = defaultAlgorithm
	}
	if newChecksum[in.Algorithm] == nil {
		return Upload{}, fail("InvalidRequest", 400, "Checksum algorithm provided is unsupported: %s", in.Algorithm)
	}
	if in.ChecksumType == "" {
		in.ChecksumType = "COMPOSITE"
		if in.Algorithm == defaultAlgorithm {
			in.ChecksumType = "FULL_OBJECT"
		}
	}
	if full, crc := in.ChecksumType == "FULL_OBJECT", strings.HasPrefix(in.Algorithm, "crc"); full && !crc || !full && in.Algorithm == defaultAlgorithm {
		return Upload{}, fail("InvalidRequest", 400, "The %s checksum type cannot be used with the %s checksum algorithm.", in.ChecksumType, in.Algorithm)
	}
	in.UploadID, in.Initiated = newVersionID(), now()
	u := &upload{Upload: in, dir: filepath.Join(b.dir, "uploads", in.UploadID), parts: map[int]Part{}}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return Upload{}, noSuchBucket(in.Bucket)
	}
	if err := state.Save(filepath.Join(u.dir, "upload.json"), in); err != nil {
		return Upload{}, err
	}
	b.uploads[in.UploadID] = u
	return in, nil
}

// PutPart stores a part; in is the part's body, with the upload's bucket and key. A part of that
// number that was there is replaced.
func (s *Service) PutPart(ctx context.Context, in PutInput, uploadID string, number int) (Part, error) {
	if number < 1 || number > maxParts {
		return Part{}, fail("InvalidArgument", 400, "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	b, u, err := s.upload(in.Bucket, in.Key, uploadID)
	if err != nil {
		return Part{}, err
	}
	in.Algorithm = u.Algorithm
	blob, d, err := b.writeBlob(ctx, in)
	if err != nil {
		return Part{}, err
	}
	p := Part{PartNumber: number, Size: d.size, ETag: d.etag(), LastModified: now(), Checksums: d.checksums(), Blob: blob}
	old, err := b.putPart(u, p)
	if err != nil {
		return Part{}, errors.Join(err, removeIfThere(b.blobPath(blob)))
	}
	if old.Blob != "" {
		_ = os.Remove(b.blobPath(old.Blob)) // or when the service is opened next
	}
	return p, nil
}

func (b *bucket) putPart(u *upload, p Part) (old Part, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads[u.UploadID] != u {
		return Part{}, noSuchUpload()
	}
	if err := state.Save(filepath.Join(u.dir, "part-"+strconv.Itoa(p.PartNumber)+".json"), p); err != nil {
		return Part{}, err
	}
	old = u.parts[p.PartNumber]
	u.parts[p.PartNumber] = p
	return old, nil
}

// upload finds an upload of a key.
func (s *Service) upload(bucketName, key, id string) (*bucket, *upload, error) {
	b, err := s.bucket(bucketName)
	if err != nil {
		return nil, nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	u := b.uploads[id]
	if u == nil || u.Key != key {
		return nil, nil, noSuchUpload()
	}
	return b, u, nil
}

// CompletedPart is a part as the client names it at the end.
type CompletedPart struct {
	PartNumber int
	ETag       string
	Checksums  map[string]string
}

// CompleteInput ends an upload with an object.
type CompleteInput struct {
	Bucket, Key, UploadID string
	Parts                 []CompletedPart
	Checksums             map[string]string // of the whole object, to be verified
	IfNoneMatch, IfMatch  string            // as in PutInput
}

// CompleteUpload makes an object of the parts that the client names.
func (s *Service) CompleteUpload(ctx context.Context, in CompleteInput) (Object, error) {
	b, u, err := s.upload(in.Bucket, in.Key, in.UploadID)
	if err != nil {
		return Object{}, err
	}
	b.mu.RLock()
	parts, err := u.choose(in.Parts)
	b.mu.RUnlock()
	if err != nil {
		return Object{}, err
	}
	d := newDigest([]string{u.Algorithm}, false)
	blob, err := b.createBlob(func(w io.Writer) error {
		return b.join(ctx, io.MultiWriter(w, d), parts)
	})
	if err != nil {
		return Object{}, err
	}
	o := Object{
		Key: u.Key, Size: d.size, ETag: compositeETag(parts), Headers: u.Headers, Metadata: u.Metadata,
		Checksums: d.checksums(), ChecksumType: u.ChecksumType, Blob: blob,
	}
	if u.ChecksumType == "COMPOSITE" {
		o.Checksums = compositeChecksum(u.Algorithm, parts)
	}
	for name, want := range in.Checksums {
		if got := o.Checksums[name]; got != want && strings.Split(got, "-")[0] != want {
			return Object{}, errors.Join(fail("BadDigest", 400, "The %s you specified did not match the calculated checksum.", name),
				removeIfThere(b.blobPath(blob)))
		}
	}
	if o, err = s.add(b, o, condition{in.IfNoneMatch, in.IfMatch}, "CompleteMultipartUpload"); err != nil {
		return Object{}, err
	}
	// The object is there. A crash before this has ended leaves an upload that can be aborted.
	if err := s.AbortUpload(in.Bucket, in.Key, in.UploadID); err != nil && awsproto.From(err).Code != "NoSuchUpload" {
		return Object{}, err
	}
	return o, nil
}

// choose checks the client's list of parts. b.mu is held.
func (u *upload) choose(named []CompletedPart) ([]Part, error) {
	if len(named) == 0 {
		return nil, fail("MalformedXML", 400, "You must specify at least one part")
	}
	if !slices.IsSortedFunc(named, func(a, b CompletedPart) int { return cmp.Or(cmp.Compare(a.PartNumber, b.PartNumber), 1) }) {
		return nil, fail("InvalidPartOrder", 400, "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
	}
	var parts []Part
	for i, n := range named {
		p, ok := u.parts[n.PartNumber]
		for name, sum := range n.Checksums {
			ok = ok && p.Checksums[name] == sum
		}
		if !ok || strings.Trim(n.ETag, `"`) != p.ETag {
			return nil, fail("InvalidPart", 400, "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag: part %d", n.PartNumber)
		}
		if i < len(named)-1 && p.Size < minPart {
			return nil, fail("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size: part %d has %d bytes", n.PartNumber, p.Size)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (b *bucket) join(ctx context.Context, w io.Writer, parts []Part) error {
	for _, p := range parts {
		f, err := os.Open(b.blobPath(p.Blob))
		if errors.Is(err, os.ErrNotExist) {
			return noSuchUpload() // aborted meanwhile
		}
		if err != nil {
			return fmt.Errorf("joining the parts of an upload: %w", err)
		}
		_, err = io.Copy(w, &interruptible{ctx, f})
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fmt.Errorf("joining the parts of an upload: %w", err)
		}
	}
	return nil
}

// compositeETag is the MD5 of the parts' MD5s and how many there are.
func compositeETag(parts []Part) string {
	h := md5.New()
	for _, p := range parts {
		raw, _ := hex.DecodeString(p.ETag) // it is one of ours
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))
}

func compositeChecksum(algorithm string, parts []Part) map[string]string {
	h := newChecksum[algorithm]()
	for _, p := range parts {
		raw, _ := base64.StdEncoding.DecodeString(p.Checksums[algorithm]) // it is one of ours
		h.Write(raw)
	}
	return map[string]string{algorithm: base64.StdEncoding.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))}
}

// AbortUpload forgets an upload and its parts.
func (s *Service) AbortUpload(bucket, key, uploadID string) error {
	b, u, err := s.upload(bucket, key, uploadID)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads[uploadID] != u {
		return noSuchUpload()
	}
	if err := os.Remove(filepath.Join(u.dir, "upload.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("aborting upload %s: %w", uploadID, err)
	}
	delete(b.uploads, uploadID)
	errs := []error{os.RemoveAll(u.dir)}
	for _, p := range u.parts {
		errs = append(errs, removeIfThere(b.blobPath(p.Blob)))
	}
	return errors.Join(errs...)
}

// ListUploads are a bucket's uploads by key and time.
func (s *Service) ListUploads(bucket string) ([]Upload, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]Upload, 0, len(b.uploads))
	for _, u := range b.uploads {
		out = append(out, u.Upload)
	}
	slices.SortFunc(out, func(a, b Upload) int {
		if a.Key != b.Key {
			return strings.Compare(a.Key, b.Key)
		}
		return a.Initiated.Compare(b.Initiated)
	})
	return out, nil
}

// ListParts are an upload's parts by number.
func (s *Service) ListParts(bucket, key, uploadID string) (Upload, []Part, error) {
	b, u, err := s.upload(bucket, key, uploadID)
	if err != nil {
		return Upload{}, nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]Part, 0, len(u.parts))
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		out = append(out, u.parts[n])
	}
	return u.Upload, out, nil
}

// loadUploads reads the uploads of a bucket and notes their blobs in used.
func (b *bucket) loadUploads(used map[string]bool) error {
	entries, err := os.ReadDir(filepath.Join(b.dir, "uploads"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		u := &upload{dir: filepath.Join(b.dir, "uploads", e.Name()), parts: map[int]Part{}}
		if _, err := os.Stat(filepath.Join(u.dir, "upload.json")); errors.Is(err, os.ErrNotExist) {
			// Its creation or its end was cut short.
			if err := os.RemoveAll(u.dir); err != nil {
				return err
			}
			continue
		}
		err := eachFile(u.dir, func(path string) error {
			if filepath.Base(path) == "upload.json" {
				return state.Load(path, &u.Upload)
			}
			var p Part
			if err := state.Load(path, &p); err != nil {
				return err
			}
			u.parts[p.PartNumber] = p
			used[p.Blob] = true
			return nil
		})
		if err != nil {
			return err
		}
		b.uploads[u.UploadID] = u
	}
	return nil
}
