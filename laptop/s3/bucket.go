package s3

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// BucketInput is what AWS::S3::Bucket takes, as far as it is served here:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
type BucketInput struct {
	BucketName                     string
	VersioningConfiguration        string // Status: "", Enabled or Suspended
	BucketEncryption               *Encryption
	PublicAccessBlockConfiguration *PublicAccessBlock
	Tags                           map[string]string
	Notifications                  []Notification
	EventBridge                    bool // tells the bus default of what happens
	Lifecycle                      []Expiration
	// ClientToken marks what one creation made, so that it is found after a crash. It is kept,
	// changed by no update and not told on the wire.
	ClientToken string
}

// Bucket is a bucket and its configuration.
type Bucket struct {
	Name              string
	CreationDate      time.Time
	Versioning        string // "" (never set), Enabled or Suspended
	Encryption        Encryption
	PublicAccessBlock *PublicAccessBlock
	Tags              map[string]string
	Notifications     []Notification `json:",omitempty"`
	EventBridge       bool           `json:",omitempty"`
	Lifecycle         []Expiration   `json:",omitempty"`
	// Policy is a document that is kept and told again: nobody's rights are looked at here. PolicyMark is
	// of the resource that gave it.
	Policy, PolicyMark string `json:",omitempty"`
	ClientToken        string `json:",omitempty"` // of the input that made it
}

// Encryption is a bucket's default encryption. It is kept and told again; nothing is encrypted.
type Encryption struct {
	SSEAlgorithm     string // AES256, aws:kms or aws:kms:dsse
	KMSMasterKeyID   string `json:",omitempty"`
	BucketKeyEnabled bool   `json:",omitempty"`
}

// PublicAccessBlock is kept and told again; nothing here is public in any case.
type PublicAccessBlock struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// bucket is one bucket in memory: its configuration and the index of its keys.
type bucket struct {
	dir string

	mu      sync.RWMutex
	gone    bool
	info    Bucket
	keys    map[string]*history
	sorted  []string // of keys
	uploads map[string]*upload
}

var validBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// validateName applies the rules of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validateName(name string) error {
	bad := !validBucket.MatchString(name) || strings.Contains(name, "..") || net.ParseIP(name) != nil
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		bad = bad || strings.HasPrefix(name, prefix)
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		bad = bad || strings.HasSuffix(name, suffix)
	}
	if bad {
		return fail("InvalidBucketName", 400, "The specified bucket is not valid: %q. A name has 3 to 63 lower-case letters, digits, dots and hyphens", name)
	}
	return nil
}

func (in BucketInput) apply(b *Bucket) error {
	switch in.VersioningConfiguration {
	case "", "Enabled", "Suspended":
	default:
		return fail("MalformedXML", 400, "VersioningConfiguration: Status is %q; it may be Enabled or Suspended", in.VersioningConfiguration)
	}
	b.Versioning = in.VersioningConfiguration
	b.Encryption = Encryption{SSEAlgorithm: "AES256"} // what every bucket has since 2023
	if in.BucketEncryption != nil {
		b.Encryption = *in.BucketEncryption
	}
	switch b.Encryption.SSEAlgorithm {
	case "AES256", "aws:kms", "aws:kms:dsse":
	default:
		return fail("MalformedXML", 400, "SSEAlgorithm is %q; it may be AES256, aws:kms or aws:kms:dsse", b.Encryption.SSEAlgorithm)
	}
	b.PublicAccessBlock = in.PublicAccessBlockConfiguration
	b.Tags = maps.Clone(in.Tags)
	b.EventBridge = in.EventBridge
	b.Lifecycle = slices.Clone(in.Lifecycle)
	return checkLifecycle(in.Lifecycle)
}

// CreateBucket makes a bucket. One of that name that exists is an error: BucketAlreadyOwnedByYou.
func (s *Service) CreateBucket(in BucketInput) error {
	if err := validateName(in.BucketName); err != nil {
		return err
	}
	info := Bucket{Name: in.BucketName, CreationDate: now(), ClientToken: in.ClientToken}
	if err := in.apply(&info); err != nil {
		return err
	}
	var err error
	if info.Notifications, err = s.checkNotifications(in.BucketName, in.Notifications); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[in.BucketName] != nil {
		return fail("BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.")
	}
	b := newBucket(filepath.Join(s.config.Dir, in.BucketName), info)
	for _, sub := range []string{"blobs", "keys", "uploads"} {
		if err := os.MkdirAll(filepath.Join(b.dir, sub), 0o700); err != nil {
			return fmt.Errorf("creating bucket %s: %w", in.BucketName, err)
		}
	}
	if err := b.save(info); err != nil {
		return fmt.Errorf("creating bucket %s: %w", in.BucketName, err)
	}
	s.buckets[in.BucketName] = b
	return nil
}

// UpdateBucket replaces a bucket's configuration. Versioning that was on cannot be taken back
// but to Suspended.
func (s *Service) UpdateBucket(in BucketInput) error {
	notifications, err := s.checkNotifications(in.BucketName, in.Notifications)
	if err != nil {
		return err
	}
	return s.configure(in.BucketName, func(b *Bucket) error {
		had := b.Versioning
		if err := in.apply(b); err != nil {
			return err
		}
		if had != "" && b.Versioning == "" {
			b.Versioning = "Suspended"
		}
		b.Notifications = notifications
		return nil
	})
}

// SetPolicy gives a bucket a policy, a JSON document, and a mark by which who gave it is told; "" takes it away.
func (s *Service) SetPolicy(bucket, document, mark string) error {
	return s.configure(bucket, func(b *Bucket) error { b.Policy, b.PolicyMark = document, mark; return nil })
}

// configure changes a bucket's configuration durably.
func (s *Service) configure(name string, edit func(*Bucket) error) error {
	b, err := s.bucket(name)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return noSuchBucket(name)
	}
	next := b.info
	if err := edit(&next); err != nil {
		return err
	}
	return b.save(next)
}

// DeleteBucket removes a bucket that holds no object and no version of one.
func (s *Service) DeleteBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return noSuchBucket(name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys) > 0 {
		message := "The bucket you tried to delete is not empty"
		if b.info.Versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return fail("BucketNotEmpty", 409, "%s", message)
	}
	// Without its bucket.json a folder is no bucket: a crash on the way leaves none.
	if err := os.Remove(filepath.Join(b.dir, "bucket.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("deleting bucket %s: %w", name, err)
	}
	b.gone = true
	delete(s.buckets, name)
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("deleting bucket %s: %w", name, err)
	}
	return nil
}

// GetBucket finds a bucket.
func (s *Service) GetBucket(name string) (Bucket, error) {
	b, err := s.bucket(name)
	if err != nil {
		return Bucket{}, err
	}
	return b.configuration(), nil
}

// configuration is the bucket's own as it stands.
func (b *bucket) configuration() Bucket {
	b.mu.RLock()
	defer b.mu.RUnlock()
	info := b.info
	info.Tags = maps.Clone(info.Tags)
	info.Notifications = slices.Clone(info.Notifications)
	return info
}

// ListBuckets are all buckets by name.
func (s *Service) ListBuckets() []Bucket {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []Bucket{}
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		b := s.buckets[name]
		b.mu.RLock()
		out = append(out, b.info)
		b.mu.RUnlock()
	}
	return out
}

func (s *Service) bucket(name string) (*bucket, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, noSuchBucket(name)
}

func newBucket(dir string, info Bucket) *bucket {
	return &bucket{dir: dir, info: info, keys: map[string]*history{}, uploads: map[string]*upload{}}
}

// save makes info the bucket's configuration. b.mu is held, or b is not shared yet.
func (b *bucket) save(info Bucket) error {
	if err := state.Save(filepath.Join(b.dir, "bucket.json"), info); err != nil {
		return err
	}
	b.info = info
	return nil
}
