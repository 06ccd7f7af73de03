package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// archiveVersion goes into an artifact's key: it changes when the same executable would be
// packed into other bytes.
const archiveVersion = "1"

// Upload packs the executable at path and puts it into the artifact bucket of the account and
// region, which it makes if missing. The object's name comes from its content, so that what is
// there already is not uploaded again. goarch is what the executable was built for.
func (d *Deployer) Upload(ctx context.Context, app, path, goarch string) (Code, error) {
	start := time.Now()
	executable, err := os.ReadFile(path)
	if err != nil {
		return Code{}, fmt.Errorf("reading the executable: %w", err)
	}
	sum := sha256.Sum256(executable)
	bucket, err := d.bucket(ctx)
	if err != nil {
		return Code{}, err
	}
	code := Code{Bucket: bucket, Key: app + "/" + archiveVersion + "-" + hex.EncodeToString(sum[:]) + ".zip", GOARCH: goarch}
	head, err := d.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &code.Bucket, Key: &code.Key})
	if err == nil {
		d.events(Uploaded{Bucket: code.Bucket, Key: code.Key, Size: aws.ToInt64(head.ContentLength), Cached: true, Took: time.Since(start)})
		return code, nil
	}
	if !notFound(err) {
		return Code{}, fmt.Errorf("looking for s3://%s/%s: %w", code.Bucket, code.Key, err)
	}
	data, err := archive(executable)
	if err != nil {
		return Code{}, err
	}
	if err := d.put(ctx, code.Bucket, code.Key, "application/zip", data); err != nil {
		return Code{}, err
	}
	d.events(Uploaded{Bucket: code.Bucket, Key: code.Key, Size: int64(len(data)), Took: time.Since(start)})
	return code, nil
}

// keptArtifacts is how many of an application's deployment packages stay in the bucket: the one in
// use, those that a rollback may go back to, and some to spare.
const keptArtifacts = 5

// Prune deletes the application's older deployment packages, all but the newest few and the one
// in use.
func (d *Deployer) Prune(ctx context.Context, app string, inUse Code) error {
	var objects []types.Object
	prefix := app + "/"
	pages := s3.NewListObjectsV2Paginator(d.s3, &s3.ListObjectsV2Input{Bucket: &inUse.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the artifacts of %s: %w", app, err)
		}
		objects = append(objects, page.Contents...)
	}
	objects = slices.DeleteFunc(objects, func(o types.Object) bool { return aws.ToString(o.Key) == inUse.Key })
	slices.SortFunc(objects, func(a, b types.Object) int { return aws.ToTime(b.LastModified).Compare(aws.ToTime(a.LastModified)) })
	for _, o := range objects[min(len(objects), keptArtifacts-1):] {
		if _, err := d.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &inUse.Bucket, Key: o.Key}); err != nil {
			return fmt.Errorf("deleting the old artifact %s: %w", aws.ToString(o.Key), err)
		}
	}
	return nil
}

// uploadTemplate puts a template that is too long for a call where CloudFormation can fetch it.
func (d *Deployer) uploadTemplate(ctx context.Context, stack string, body []byte) (*string, error) {
	bucket, err := d.bucket(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	key := stack + "/" + hex.EncodeToString(sum[:]) + ".json"
	if err := d.put(ctx, bucket, key, "application/json", body); err != nil {
		return nil, err
	}
	return aws.String("https://s3." + d.region + ".amazonaws.com/" + bucket + "/" + key), nil
}

func (d *Deployer) put(ctx context.Context, bucket, key, contentType string, data []byte) error {
	_, err := d.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), ContentType: &contentType,
	})
	if err != nil {
		return fmt.Errorf("uploading s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// bucket is the artifact bucket's name; the bucket is there when it returns.
func (d *Deployer) bucket(ctx context.Context) (string, error) {
	id, err := d.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("asking whose credentials these are: %w", err)
	}
	name := "ephor-artifacts-" + aws.ToString(id.Account) + "-" + d.region
	_, err = d.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if err == nil {
		return name, nil
	}
	if !notFound(err) {
		return "", fmt.Errorf("looking for the artifact bucket %s: %w", name, err)
	}
	in := &s3.CreateBucketInput{Bucket: &name}
	// us-east-1 is the one region that must not be named.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
	if d.region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(d.region)}
	}
	if _, err := d.s3.CreateBucket(ctx, in); err != nil {
		var owned *types.BucketAlreadyOwnedByYou
		if !errors.As(err, &owned) {
			return "", fmt.Errorf("creating the artifact bucket %s: %w", name, err)
		}
	}
	return name, nil
}

// notFound reports whether S3 answered 404. HEAD has no body and so no error code to ask for.
func notFound(err error) bool {
	var response *smithyhttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound
}
