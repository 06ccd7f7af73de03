// Package s3 is Amazon S3 on this machine: buckets with versions, multipart uploads and checksums,
// kept in files, behind the REST XML protocol and behind methods.
//
//	store, err := s3.Open(s3.Config{Dir: dir})
//	err = store.CreateBucket(s3.BucketInput{BucketName: "artifacts"})
//	o, err := store.PutObject(ctx, s3.PutInput{Bucket: "artifacts", Key: "code.zip", Body: f})
//	data, err := store.GetObject(ctx, "artifacts", "code.zip", "")
//	http.Handle("/", store)
//
// What is stored is not encrypted and not published: a bucket's encryption and its block of public
// access are kept and told again, and change nothing. Files are the owner's alone (0600).
//
// On disk a bucket is a folder. An object's bytes are a file with a random name under blobs, and
// all that is known of a key, its versions and which blob each has, is one small JSON file under
// keys, named by the key's SHA-256. That file is written last, at once and whole, so that a crash
// leaves the state before a request or the one after it; blobs that no key names are removed when
// the service is opened.
package s3

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says where a Service keeps its buckets.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region is where all buckets are; "" means us-east-1.
	Region string
	// Account owns them; "" means 000000000000.
	Account string
	// Events is told what happens; nil tells nobody. It is called once the change is durable,
	// from many goroutines at once, and must not block.
	Events func(Event)
	// Functions are what notifications call; nil refuses notifications.
	Functions Functions
	// Bus is told what happens in buckets that say so. Nil is nobody, and refuses a configuration of that.
	Bus Bus
	// Problem is told what went wrong where nobody waits for an answer; nil tells nobody.
	Problem func(error)
}

// Event is something that happened: ObjectCreated or ObjectRemoved.
type Event interface{ event() }

// ObjectCreated says that there is a new object, or a new version of one. Operation is S3's name
// of the cause: Put, Copy or CompleteMultipartUpload.
type ObjectCreated struct {
	Bucket    string
	Object    Object
	Operation string
}

// ObjectRemoved says that a version is gone, or that a delete marker hides the object.
type ObjectRemoved struct {
	Bucket, Key, VersionID string
	DeleteMarker           bool
}

func (ObjectCreated) event() {}
func (ObjectRemoved) event() {}

// Service is S3. It is safe for concurrent use.
type Service struct {
	config   Config
	sequence sequencer

	mu      sync.RWMutex
	buckets map[string]*bucket
}

// Open loads the buckets that Dir holds and removes what crashed requests left there.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Events == nil {
		config.Events = func(Event) {}
	}
	if config.Problem == nil {
		config.Problem = func(error) {}
	}
	s := &Service{config: config, buckets: map[string]*bucket{}}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening S3: %w", err)
	}
	entries, err := os.ReadDir(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening S3: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		b, err := loadBucket(filepath.Join(config.Dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("opening S3: bucket %s: %w", e.Name(), err)
		}
		if b != nil {
			s.buckets[b.info.Name] = b
		}
	}
	return s, nil
}

// Close returns when nothing is left to do, which is at once: every request is durable before it
// is answered.
func (s *Service) Close() error { return nil }

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
