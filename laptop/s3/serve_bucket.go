package s3

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const timeFormat = "2006-01-02T15:04:05.000Z"

type owner struct{ ID, DisplayName string }

func (s *Service) owner() owner { return owner{ID: s.config.Account, DisplayName: "ephor"} }

func (s *Service) serveListBuckets(c *call) error {
	type entry struct{ Name, CreationDate string }
	out := struct {
		Owner   owner
		Buckets []entry `xml:"Buckets>Bucket"`
	}{Owner: s.owner()}
	for _, b := range s.ListBuckets() {
		out.Buckets = append(out.Buckets, entry{b.Name, b.CreationDate.Format(timeFormat)})
	}
	return c.answer("ListAllMyBucketsResult", out)
}

func (s *Service) serveCreateBucket(c *call) error {
	if err := refuse(c.Header); err != nil {
		return err
	}
	if c.ContentLength != 0 {
		var in struct{ LocationConstraint string }
		if err := c.document(&in); err != nil {
			return err
		}
		if in.LocationConstraint != "" && in.LocationConstraint != s.config.Region {
			return fail("IllegalLocationConstraintException", 400, "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", in.LocationConstraint)
		}
	}
	err := s.CreateBucket(BucketInput{BucketName: c.bucket})
	// In us-east-1 the owner may create a bucket again: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
	if err != nil && (awsproto.From(err).Code != "BucketAlreadyOwnedByYou" || s.config.Region != "us-east-1") {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	return c.done(http.StatusOK)
}

func (s *Service) serveHeadBucket(c *call) error {
	if _, err := s.GetBucket(c.bucket); err != nil {
		return err
	}
	c.w.Header().Set("x-amz-bucket-region", s.config.Region)
	return c.done(http.StatusOK)
}

func (s *Service) serveDeleteBucket(c *call) error {
	if err := s.DeleteBucket(c.bucket); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (s *Service) serveLocation(c *call) error {
	if _, err := s.GetBucket(c.bucket); err != nil {
		return err
	}
	region := s.config.Region
	if region == "us-east-1" {
		region = ""
	}
	return c.answer("LocationConstraint", struct {
		Region string `xml:",chardata"`
	}{region})
}

type versioning struct {
	Status string `xml:",omitempty"`
}

func (s *Service) serveGetVersioning(c *call) error {
	b, err := s.GetBucket(c.bucket)
	if err != nil {
		return err
	}
	return c.answer("VersioningConfiguration", versioning{b.Versioning})
}

func (s *Service) servePutVersioning(c *call) error {
	var in versioning
	if err := c.document(&in); err != nil {
		return err
	}
	if in.Status != "Enabled" && in.Status != "Suspended" {
		return fail("MalformedXML", 400, "Status is %q; it may be Enabled or Suspended", in.Status)
	}
	return c.configured(s, func(b *Bucket) error { b.Versioning = in.Status; return nil })
}

// configured changes the bucket's configuration and says so.
func (c *call) configured(s *Service, edit func(*Bucket) error) error {
	if err := s.configure(c.bucket, edit); err != nil {
		return err
	}
	status := http.StatusOK
	if c.Method == http.MethodDelete {
		status = http.StatusNoContent
	}
	return c.done(status)
}

type encryptionRule struct {
	Default struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	} `xml:"ApplyServerSideEncryptionByDefault"`
	BucketKeyEnabled bool
}

type encryption struct {
	Rules []encryptionRule `xml:"Rule"`
}

func (s *Service) serveGetEncryption(c *call) error {
	b, err := s.GetBucket(c.bucket)
	if err != nil {
		return err
	}
	var rule encryptionRule
	rule.Default.SSEAlgorithm, rule.Default.KMSMasterKeyID = b.Encryption.SSEAlgorithm, b.Encryption.KMSMasterKeyID
	rule.BucketKeyEnabled = b.Encryption.BucketKeyEnabled
	return c.answer("ServerSideEncryptionConfiguration", encryption{[]encryptionRule{rule}})
}

func (s *Service) servePutEncryption(c *call) error {
	var in encryption
	if err := c.document(&in); err != nil {
		return err
	}
	if len(in.Rules) != 1 {
		return fail("MalformedXML", 400, "An encryption configuration has one rule, not %d", len(in.Rules))
	}
	e := Encryption{in.Rules[0].Default.SSEAlgorithm, in.Rules[0].Default.KMSMasterKeyID, in.Rules[0].BucketKeyEnabled}
	return c.configured(s, func(b *Bucket) error {
		return BucketInput{VersioningConfiguration: b.Versioning, BucketEncryption: &e,
			PublicAccessBlockConfiguration: b.PublicAccessBlock, Tags: b.Tags, EventBridge: b.EventBridge, Lifecycle: b.Lifecycle}.apply(b)
	})
}

func (s *Service) serveDeleteEncryption(c *call) error {
	return c.configured(s, func(b *Bucket) error { b.Encryption = Encryption{SSEAlgorithm: "AES256"}; return nil })
}

func (s *Service) serveGetAccessBlock(c *call) error {
	b, err := s.GetBucket(c.bucket)
	if err != nil {
		return err
	}
	if b.PublicAccessBlock == nil {
		return fail("NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found")
	}
	return c.answer("PublicAccessBlockConfiguration", b.PublicAccessBlock)
}

func (s *Service) servePutAccessBlock(c *call) error {
	in := &PublicAccessBlock{}
	if err := c.document(in); err != nil {
		return err
	}
	return c.configured(s, func(b *Bucket) error { b.PublicAccessBlock = in; return nil })
}

func (s *Service) serveDeleteAccessBlock(c *call) error {
	return c.configured(s, func(b *Bucket) error { b.PublicAccessBlock = nil; return nil })
}

func (s *Service) serveGetPolicy(c *call) error {
	b, err := s.GetBucket(c.bucket)
	if err != nil {
		return err
	}
	if b.Policy == "" {
		return fail("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
	}
	c.identify()
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(c.w, b.Policy) // a caller that has gone cannot be told so
	return nil
}

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

func (s *Service) serveGetTagging(c *call) error {
	b, err := s.GetBucket(c.bucket)
	if err != nil {
		return err
	}
	if len(b.Tags) == 0 {
		return fail("NoSuchTagSet", 404, "The TagSet does not exist")
	}
	var out tagging
	for _, k := range slices.Sorted(maps.Keys(b.Tags)) {
		out.Tags = append(out.Tags, tag{k, b.Tags[k]})
	}
	return c.answer("Tagging", out)
}

func (s *Service) servePutTagging(c *call) error {
	var in tagging
	if err := c.document(&in); err != nil {
		return err
	}
	tags := map[string]string{}
	for _, t := range in.Tags {
		tags[t.Key] = t.Value
	}
	return c.configured(s, func(b *Bucket) error { b.Tags = tags; return nil })
}

func (s *Service) serveDeleteTagging(c *call) error {
	return c.configured(s, func(b *Bucket) error { b.Tags = nil; return nil })
}
