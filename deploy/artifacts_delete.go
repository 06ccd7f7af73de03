package deploy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Artifacts is an application's artifact bucket and what it holds, as in 5 objects, 16.2 MB. The amount is
// "" if there is no such bucket.
func (d *Deployer) Artifacts(ctx context.Context, app string) (name, amount string, err error) {
	b, err := d.bucketName(ctx, app)
	if err != nil {
		return "", "", err
	}
	objects, size, more, err := d.versions(ctx, &s3.ListObjectVersionsInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
	if notFound(err) {
		return b.name, "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("looking into the artifact bucket %s: %w", b.name, err)
	}
	return b.name, amountOf(objects, size, more), nil
}

// DeleteArtifacts deletes an application's artifact bucket with every version in it. What is not there is
// deleted already. A stack whose functions' code lay in it goes on running: Lambda has a copy.
func (d *Deployer) DeleteArtifacts(ctx context.Context, app string) error {
	b, err := d.bucketName(ctx, app)
	if err != nil {
		return err
	}
	in := &s3.ListObjectVersionsInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner}
	err = d.eachVersion(ctx, in, func(page []types.ObjectIdentifier, _ int64, n int) (bool, error) {
		if n == 0 {
			return true, nil
		}
		out, err := d.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner,
			Delete: &types.Delete{Objects: page, Quiet: aws.Bool(true)}})
		if err != nil {
			return false, err
		}
		for _, e := range out.Errors {
			return false, fmt.Errorf("%s: %s: %s", aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
		}
		return true, nil
	})
	if notFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("emptying the artifact bucket %s: %w", b.name, err)
	}
	if _, err := d.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner}); err != nil && !notFound(err) {
		return fmt.Errorf("deleting the artifact bucket %s: %w", b.name, err)
	}
	d.events(BucketDeleted{Bucket: b.name})
	return nil
}
