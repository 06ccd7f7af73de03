package deploy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// bucket is an artifact bucket and whose it is. Each call names the owner: whoever knows an account's
// number could make a bucket of the name first, and must not be given code, nor give any.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
type bucket struct {
	name, owner string
	suffix      string // of the addresses of the partition's services
}

// BucketError is an artifact bucket that cannot be used.
type BucketError struct {
	Bucket string
	Reason string
	Err    error
}

func (e *BucketError) Error() string { return "artifact bucket " + e.Bucket + ": " + e.Reason }
func (e *BucketError) Unwrap() error { return e.Err }

// bucketTemplate is the bucket's name with the account and the region left to CloudFormation. A name
// has 63 characters at most, small letters, digits and hyphens; an account has 12, and the longest
// region 14.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func bucketTemplate(app string) string {
	const most = 63 - len("ephor---") - 12 - 14
	name := strings.ToLower(app)
	if len(name) > most {
		name = fmt.Sprintf("%s-%x", name[:most-9], sha256.Sum256([]byte(name)))[:most]
	}
	return "ephor-" + strings.Trim(name, "-") + "-${AWS::AccountId}-${AWS::Region}"
}

// bucketName is the application's bucket in the account of the credentials.
func (d *Deployer) bucketName(ctx context.Context, app string) (bucket, error) {
	id, err := d.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return bucket{}, fmt.Errorf("asking whose credentials these are: %w", err)
	}
	b := bucket{owner: aws.ToString(id.Account), suffix: "amazonaws.com"}
	if who, err := arn.Parse(aws.ToString(id.Arn)); err == nil && who.Partition == "aws-cn" {
		b.suffix = "amazonaws.com.cn"
	}
	b.name = strings.NewReplacer("${AWS::AccountId}", b.owner, "${AWS::Region}", d.region).Replace(bucketTemplate(app))
	return b, nil
}

// bucket is the application's artifact bucket; it is there when it returns.
func (d *Deployer) bucket(ctx context.Context, app string) (bucket, error) {
	b, err := d.bucketName(ctx, app)
	if err != nil {
		return b, err
	}
	_, err = d.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
	switch {
	case err == nil:
		return b, nil
	case hasStatus(err, http.StatusForbidden):
		return b, &BucketError{b.name, "it is not this account's, or these credentials may not use it", err}
	case !notFound(err):
		return b, fmt.Errorf("looking for the artifact bucket %s: %w", b.name, err)
	}
	in := &s3.CreateBucketInput{Bucket: &b.name}
	// us-east-1 is the one region that must not be named.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
	if d.region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(d.region)}
	}
	_, err = d.s3.CreateBucket(ctx, in)
	var owned *types.BucketAlreadyOwnedByYou
	var taken *types.BucketAlreadyExists
	switch {
	case errors.As(err, &taken):
		return b, &BucketError{b.name, "somebody else has a bucket of that name, and names are unique among all accounts", err}
	case err != nil && !errors.As(err, &owned):
		return b, fmt.Errorf("creating the artifact bucket %s: %w", b.name, err)
	}
	if err := d.secure(ctx, b); err != nil {
		return b, fmt.Errorf("configuring the artifact bucket %s: %w", b.name, err)
	}
	d.events(BucketMade{Bucket: b.name})
	return b, nil
}

// secure turns on versioning, encryption and the block of everything public. The last two are what S3
// gives new buckets anyway; said here they stay if that default changes.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (d *Deployer) secure(ctx context.Context, b bucket) error {
	_, err := d.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		}})
	if err != nil {
		return err
	}
	_, err = d.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		}}}})
	if err != nil {
		return err
	}
	_, err = d.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	return err
}

// notFound reports whether S3 answered 404. HEAD has no body and so no error code to ask for.
func notFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

func hasStatus(err error, status int) bool {
	var response *smithyhttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == status
}
