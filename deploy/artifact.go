package deploy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ephor-io/ephor"
)

// archiveVersion goes into an artifact's key: it changes when the same files would be packed into
// other bytes.
const archiveVersion = "1"

// Package is what a function is made of, by the name that it has in the artifact bucket: which comes
// from its content, so that what is there already need not be uploaded again.
type Package struct {
	App   string
	Files map[string][]byte // bootstrap among them
	Key   string
	// GOARCH is what the executable was built for.
	GOARCH string
}

// Pack makes the package of an application: the executable at path and what is archived beside it.
func Pack(app, path, goarch string, beside ephor.Archive) (*Package, error) {
	executable, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the executable: %w", err)
	}
	p := &Package{App: app, GOARCH: goarch, Files: map[string][]byte{}}
	for name, content := range beside.Files {
		if err := checkName(name); err != nil {
			return nil, err
		}
		p.Files[name] = content
	}
	p.Files[bootstrap] = executable
	p.Key = app + "/" + archiveVersion + "-" + contentName(p.Files) + ".zip"
	return p, nil
}

// beside is what is packed but for the executable.
func (p *Package) beside() map[string][]byte {
	files := maps.Clone(p.Files)
	delete(files, bootstrap)
	return files
}

// contentName is a hash of files: of the executable's content, where it is alone.
func contentName(files map[string][]byte) string {
	sum := sha256.Sum256(files[bootstrap])
	if len(files) == 1 {
		return hex.EncodeToString(sum[:])
	}
	h := sha256.New()
	for _, name := range sortedNames(files) {
		sum := sha256.Sum256(files[name])
		fmt.Fprintf(h, "%q %x\n", name, sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Code says where the package lies once it is uploaded.
func (p *Package) Code() Code {
	return Code{Bucket: bucketTemplate(p.App), Key: p.Key, GOARCH: p.GOARCH}
}

// SHA256 is the archive's hash, as Lambda tells that of a function's code.
func (p *Package) SHA256() (string, error) {
	data, err := archive(p.Files)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// Upload puts a package into the artifact bucket, which it makes if missing, and returns the bucket.
func (d *Deployer) Upload(ctx context.Context, p *Package) (bucket string, err error) {
	start := time.Now()
	b, err := d.bucket(ctx, p.App)
	if err != nil {
		return "", err
	}
	head, err := d.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &p.Key, ExpectedBucketOwner: &b.owner})
	if err == nil {
		d.events(Uploaded{Bucket: b.name, Key: p.Key, Size: aws.ToInt64(head.ContentLength), Cached: true, Took: time.Since(start)})
		return b.name, nil
	}
	if !notFound(err) {
		return "", fmt.Errorf("looking for s3://%s/%s: %w", b.name, p.Key, err)
	}
	data, err := archive(p.Files)
	if err != nil {
		return "", err
	}
	if err := d.put(ctx, b, p.Key, "application/zip", data); err != nil {
		return "", err
	}
	d.events(Uploaded{Bucket: b.name, Key: p.Key, Size: int64(len(data)), Took: time.Since(start)})
	return b.name, nil
}

// keptArtifacts is how many of an application's deployment packages stay in the bucket: the one in
// use, those that a rollback may go back to, and some to spare.
const keptArtifacts = 5

// Prune deletes the application's older deployment packages for good, all but the newest few and the one
// in use, with all that the bucket's versioning keeps of them.
func (d *Deployer) Prune(ctx context.Context, inUse *Package) error {
	b, err := d.bucketName(ctx, inUse.App)
	if err != nil {
		return err
	}
	var versions []types.ObjectVersion
	prefix := inUse.App + "/"
	pages := s3.NewListObjectVersionsPaginator(d.s3, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix, ExpectedBucketOwner: &b.owner})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the artifacts of %s: %w", inUse.App, err)
		}
		versions = append(versions, page.Versions...)
	}
	slices.SortStableFunc(versions, func(a, b types.ObjectVersion) int {
		return aws.ToTime(b.LastModified).Compare(aws.ToTime(a.LastModified))
	})
	kept := []string{inUse.Key}
	for _, v := range versions {
		key := aws.ToString(v.Key)
		if slices.Contains(kept, key) {
			continue
		}
		if len(kept) < keptArtifacts {
			kept = append(kept, key)
			continue
		}
		in := &s3.DeleteObjectInput{Bucket: &b.name, Key: v.Key, VersionId: v.VersionId, ExpectedBucketOwner: &b.owner}
		if _, err := d.s3.DeleteObject(ctx, in); err != nil {
			return fmt.Errorf("deleting the old artifact %s: %w", key, err)
		}
	}
	return nil
}

// uploadTemplate puts a template that is too long for a call where CloudFormation can fetch it.
func (d *Deployer) uploadTemplate(ctx context.Context, stack string, body []byte) (*string, error) {
	b, err := d.bucket(ctx, cmp.Or(d.app, stack))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	key := stack + "/" + hex.EncodeToString(sum[:]) + ".json"
	if err := d.put(ctx, b, key, "application/json", body); err != nil {
		return nil, err
	}
	return aws.String("https://s3." + d.region + "." + b.suffix + "/" + b.name + "/" + key), nil
}

func (d *Deployer) put(ctx context.Context, b bucket, key, contentType string, data []byte) error {
	_, err := d.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(data), ContentType: &contentType, ExpectedBucketOwner: &b.owner,
	})
	if err != nil {
		return fmt.Errorf("uploading s3://%s/%s: %w", b.name, key, err)
	}
	return nil
}
