package s3

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestTheSDKConfiguresBuckets(t *testing.T) {
	t.Parallel()
	_, server := serve(t)
	c := sdk(server)
	ctx := t.Context()
	b := aws.String("made")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	must(t, err)
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: b})
	must(t, err)
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("nope")})
	var notFound *types.NotFound
	if !errors.As(err, &notFound) {
		t.Errorf("HeadBucket of nothing: %v", err)
	}
	list, err := c.ListBuckets(ctx, nil)
	must(t, err)
	if len(list.Buckets) != 2 || *list.Buckets[1].Name != "made" || list.Buckets[1].CreationDate == nil {
		t.Errorf("%+v", list.Buckets)
	}
	location, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: b})
	must(t, err)
	if location.LocationConstraint != "" {
		t.Errorf("location %q", location.LocationConstraint)
	}

	versioning, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	must(t, err)
	if versioning.Status != "" {
		t.Errorf("versioning %q", versioning.Status)
	}
	_, err = c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
	must(t, err)
	versioning, _ = c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	if versioning.Status != "Enabled" {
		t.Errorf("versioning %q", versioning.Status)
	}

	rule := types.ServerSideEncryptionRule{BucketKeyEnabled: aws.Bool(true), ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms", KMSMasterKeyID: aws.String("key")}}
	_, err = c.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{rule}}})
	must(t, err)
	encryption, err := c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: b})
	must(t, err)
	if got := encryption.ServerSideEncryptionConfiguration.Rules[0]; got.ApplyServerSideEncryptionByDefault.SSEAlgorithm != "aws:kms" || !*got.BucketKeyEnabled {
		t.Errorf("%+v", got)
	}

	_, err = c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	if code(err) != "NoSuchPublicAccessBlockConfiguration" {
		t.Error(err)
	}
	block := &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: aws.Bool(true)}
	_, err = c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: block})
	must(t, err)
	got, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	must(t, err)
	if !*got.PublicAccessBlockConfiguration.RestrictPublicBuckets || *got.PublicAccessBlockConfiguration.BlockPublicPolicy {
		t.Errorf("%+v", got.PublicAccessBlockConfiguration)
	}
	_, err = c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}})
	must(t, err)
	tags, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b})
	must(t, err)
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "b" {
		t.Errorf("%+v", tags.TagSet)
	}
	_, err = c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	if code(err) != "NotImplemented" || !strings.Contains(err.Error(), "lifecycle") {
		t.Error(err)
	}

	put, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("v")})
	must(t, err)
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	if code(err) != "BucketNotEmpty" {
		t.Error(err)
	}
	hidden, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k")})
	must(t, err)
	if !aws.ToBool(hidden.DeleteMarker) {
		t.Errorf("%+v", hidden)
	}
	versions, err := c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b})
	must(t, err)
	if len(versions.Versions) != 1 || *versions.Versions[0].VersionId != *put.VersionId || len(versions.DeleteMarkers) != 1 || !*versions.DeleteMarkers[0].IsLatest {
		t.Errorf("%+v", versions)
	}
	removed, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("k"), VersionId: put.VersionId}, {Key: aws.String("k"), VersionId: hidden.VersionId}}}})
	must(t, err)
	if len(removed.Deleted) != 2 || len(removed.Errors) != 0 {
		t.Errorf("%+v", removed)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	must(t, err)
}
