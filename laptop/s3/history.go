package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Object is one version of an object.
type Object struct {
	Key          string
	VersionID    string // "null" where versioning was not on
	DeleteMarker bool   `json:",omitempty"`
	Size         int64
	ETag         string // without the quotes
	LastModified time.Time
	// Headers are Content-Type, Cache-Control, Content-Disposition, Content-Encoding,
	// Content-Language and Expires, as far as they were given.
	Headers map[string]string `json:",omitempty"`
	// Metadata are the user's, without x-amz-meta-, in lower case.
	Metadata map[string]string `json:",omitempty"`
	// Checksums are the object's in base64, by their names in lower case, e.g. crc64nvme.
	// A checksum of checksums, as composite multipart uploads have, ends in a hyphen and the
	// number of parts.
	Checksums    map[string]string `json:",omitempty"`
	ChecksumType string            `json:",omitempty"` // FULL_OBJECT or COMPOSITE

	Blob string `json:",omitempty"` // the file with the bytes, under blobs
}

// history is a key with its versions, the oldest first: one file.
type history struct {
	Key      string
	Versions []Object
}

// maxKey is the longest key in bytes of UTF-8:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// keyFile is the name of a key's file. The key itself never becomes part of a path: it may
// hold slashes, dots and anything else.
func keyFile(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + ".json"
}

// current is the newest version; ok is false where there is none or it is a delete marker.
func (h *history) current() (o Object, ok bool) {
	if h == nil || len(h.Versions) == 0 {
		return Object{}, false
	}
	o = h.Versions[len(h.Versions)-1]
	return o, !o.DeleteMarker
}

func (h *history) index(version string) int {
	if h == nil {
		return -1
	}
	return slices.IndexFunc(h.Versions, func(o Object) bool { return o.VersionID == version })
}

// commit makes versions the history of a key, durably, and removes the blobs that it no longer
// needs. b.mu is held.
func (b *bucket) commit(key string, versions []Object) error {
	path := filepath.Join(b.dir, "keys", keyFile(key))
	old := b.keys[key]
	if len(versions) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		delete(b.keys, key)
		if i, found := slices.BinarySearch(b.sorted, key); found {
			b.sorted = slices.Delete(b.sorted, i, i+1)
		}
	} else {
		next := &history{Key: key, Versions: versions}
		if err := state.Save(path, next); err != nil {
			return err
		}
		if old == nil {
			i, _ := slices.BinarySearch(b.sorted, key)
			b.sorted = slices.Insert(b.sorted, i, key)
		}
		b.keys[key] = next
	}
	if old == nil {
		return nil
	}
	for _, o := range old.Versions {
		if o.Blob != "" && !slices.ContainsFunc(versions, func(n Object) bool { return n.Blob == o.Blob }) {
			// What cannot be removed now is removed when the service is opened next.
			_ = os.Remove(b.blobPath(o.Blob))
		}
	}
	return nil
}

func (b *bucket) blobPath(blob string) string { return filepath.Join(b.dir, "blobs", blob) }

// loadBucket reads a bucket's folder. A folder that is none, left by a creation or a deletion
// that did not come to its end, is removed.
func loadBucket(dir string) (*bucket, error) {
	if _, err := os.Stat(filepath.Join(dir, "bucket.json")); errors.Is(err, os.ErrNotExist) {
		return nil, os.RemoveAll(dir)
	}
	b := newBucket(dir, Bucket{})
	if err := state.Load(filepath.Join(dir, "bucket.json"), &b.info); err != nil {
		return nil, err
	}
	used := map[string]bool{}
	err := eachFile(filepath.Join(dir, "keys"), func(path string) error {
		h := &history{}
		if err := state.Load(path, h); err != nil {
			return err
		}
		if filepath.Base(path) != keyFile(h.Key) {
			return fmt.Errorf("%s holds the key %q of another file", path, h.Key)
		}
		b.keys[h.Key] = h
		b.sorted = append(b.sorted, h.Key)
		for _, o := range h.Versions {
			used[o.Blob] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(b.sorted)
	if err := b.loadUploads(used); err != nil {
		return nil, err
	}
	return b, eachFile(filepath.Join(dir, "blobs"), func(path string) error {
		if used[filepath.Base(path)] {
			return nil
		}
		return os.Remove(path)
	})
}

// eachFile calls f for the files of a folder, and removes those that a crash left half written:
// their names begin with a dot.
func eachFile(dir string, f func(path string) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			err = os.Remove(path)
		} else {
			err = f(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
