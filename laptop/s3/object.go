package s3

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// HeadObject finds an object; version "" is the newest. Where a delete marker answers, the error
// comes with the marker.
func (s *Service) HeadObject(bucket, key, version string) (Object, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return Object{}, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.find(key, version)
}

// OpenObject is HeadObject with the bytes. They stay readable while the object is replaced or
// deleted; the caller closes the file.
func (s *Service) OpenObject(bucket, key, version string) (*os.File, Object, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, Object{}, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	o, err := b.find(key, version)
	if err != nil {
		return nil, o, err
	}
	f, err := os.Open(b.blobPath(o.Blob))
	if err != nil {
		return nil, o, fmt.Errorf("reading object %s of bucket %s: %w", key, bucket, err)
	}
	return f, o, nil
}

// GetObject is the whole of an object; version "" is the newest.
func (s *Service) GetObject(ctx context.Context, bucket, key, version string) ([]byte, error) {
	f, o, err := s.OpenObject(bucket, key, version)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, o.Size)
	if _, err := io.ReadFull(&interruptible{ctx, f}, data); err != nil {
		return nil, fmt.Errorf("reading object %s of bucket %s: %w", key, bucket, err)
	}
	return data, nil
}

// find looks up a version. b.mu is held.
func (b *bucket) find(key, version string) (Object, error) {
	h := b.keys[key]
	if version == "" {
		o, ok := h.current()
		if !ok {
			return o, noSuchKey(key)
		}
		return o, nil
	}
	i := h.index(version)
	if i < 0 {
		return Object{}, fail("NoSuchVersion", 404, "The specified version does not exist: %s of %s", version, key)
	}
	if o := h.Versions[i]; o.DeleteMarker {
		return o, fail("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
	}
	return h.Versions[i], nil
}

// Removed says what a deletion did: the version that is gone, or the delete marker that was
// made. VersionID is "" where the bucket was never versioned or there was nothing.
type Removed struct {
	VersionID    string
	DeleteMarker bool
}

// DeleteObject removes an object; with a version, that one for good. In a bucket with versioning
// a deletion without a version hides the object behind a delete marker. What is not there is
// deleted successfully.
func (s *Service) DeleteObject(bucket, key, version string) (Removed, error) {
	if err := validateKey(key); err != nil {
		return Removed{}, err
	}
	b, err := s.bucket(bucket)
	if err != nil {
		return Removed{}, err
	}
	out, changed, err := b.remove(key, version)
	if err != nil {
		return Removed{}, err
	}
	if changed {
		s.config.Events(ObjectRemoved{Bucket: bucket, Key: key, VersionID: out.VersionID, DeleteMarker: out.DeleteMarker && version == ""})
		happened := "ObjectRemoved:Delete"
		if out.DeleteMarker && version == "" {
			happened = "ObjectRemoved:DeleteMarkerCreated"
		}
		s.notify(b.configuration(), happened, Object{Key: key, VersionID: out.VersionID})
	}
	return out, nil
}

func (b *bucket) remove(key, version string) (out Removed, changed bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return out, false, noSuchBucket(b.info.Name)
	}
	h := b.keys[key]
	if version == "" && b.info.Versioning != "" {
		marker := Object{Key: key, DeleteMarker: true, LastModified: now()}
		versions := b.withNewest(h, &marker)
		return Removed{marker.VersionID, true}, true, b.commit(key, versions)
	}
	if version != "" {
		out.VersionID = version
	}
	i := h.index(version)
	if version == "" {
		i = h.index("null")
	}
	if i < 0 {
		return out, false, nil
	}
	out.DeleteMarker = h.Versions[i].DeleteMarker
	return out, true, b.commit(key, slices.Delete(slices.Clone(h.Versions), i, i+1))
}

// CopyInput is an object to be copied. Headers and Metadata replace the source's unless they are nil.
type CopyInput struct {
	SourceBucket, SourceKey, SourceVersion string
	Bucket, Key                            string
	Headers, Metadata                      map[string]string
	Algorithm                              string // as in PutInput
	IfNoneMatch, IfMatch                   string // as in PutInput
}

// CopyObject copies an object within the service.
func (s *Service) CopyObject(ctx context.Context, in CopyInput) (Object, error) {
	f, source, err := s.OpenObject(in.SourceBucket, in.SourceKey, in.SourceVersion)
	if err != nil {
		return Object{}, err
	}
	defer f.Close()
	if in.Headers == nil && in.Metadata == nil && in.SourceBucket == in.Bucket && in.SourceKey == in.Key && in.SourceVersion == "" {
		return Object{}, fail("InvalidRequest", 400, "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if in.Headers == nil {
		in.Headers = maps.Clone(source.Headers)
	}
	if in.Metadata == nil {
		in.Metadata = maps.Clone(source.Metadata)
	}
	if in.Algorithm == "" && source.ChecksumType == "FULL_OBJECT" {
		for name := range source.Checksums {
			in.Algorithm = name
		}
	}
	return s.put(ctx, PutInput{
		Bucket: in.Bucket, Key: in.Key, Body: f, Size: source.Size, Headers: in.Headers, Metadata: in.Metadata,
		Algorithm: in.Algorithm, IfNoneMatch: in.IfNoneMatch, IfMatch: in.IfMatch,
	}, "Copy")
}
