package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/s3"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
type bucketProperties struct {
	BucketName              string
	VersioningConfiguration struct{ Status string }
	BucketEncryption        *struct {
		ServerSideEncryptionConfiguration []struct {
			BucketKeyEnabled              bool
			ServerSideEncryptionByDefault struct{ SSEAlgorithm, KMSMasterKeyID string }
		}
	}
	PublicAccessBlockConfiguration *s3.PublicAccessBlock
	Tags                           tags
}

func (p bucketProperties) input(name, token string) (s3.BucketInput, error) {
	in := s3.BucketInput{BucketName: name, ClientToken: token, VersioningConfiguration: p.VersioningConfiguration.Status,
		PublicAccessBlockConfiguration: p.PublicAccessBlockConfiguration, Tags: p.Tags.toMap()}
	if e := p.BucketEncryption; e != nil {
		if len(e.ServerSideEncryptionConfiguration) != 1 {
			return in, awsproto.Errorf("MalformedXML", "BucketEncryption has %d rules; it takes one", len(e.ServerSideEncryptionConfiguration))
		}
		rule := e.ServerSideEncryptionConfiguration[0]
		in.BucketEncryption = &s3.Encryption{SSEAlgorithm: rule.ServerSideEncryptionByDefault.SSEAlgorithm,
			KMSMasterKeyID: rule.ServerSideEncryptionByDefault.KMSMasterKeyID, BucketKeyEnabled: rule.BucketKeyEnabled}
	}
	return in, nil
}

func buckets(service *s3.Service, region string) cloudformation.Provider {
	name := func(r cloudformation.Request, p bucketProperties) string {
		return physical(r, p.BucketName, 63, lowerCase)
	}
	made := func(bucket string, err error) (cloudformation.Resource, error) {
		return made(bucket, map[string]any{
			"Arn":                "arn:aws:s3:::" + bucket,
			"DomainName":         bucket + ".s3.amazonaws.com",
			"RegionalDomainName": bucket + ".s3." + region + ".amazonaws.com",
		}, err)
	}
	return resource[bucketProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"BucketName", "VersioningConfiguration", "BucketEncryption", "PublicAccessBlockConfiguration", "Tags"},
			CreateOnly: []string{"BucketName"},
			Attributes: []string{"Arn", "DomainName", "RegionalDomainName"},
		},
		find: func(r cloudformation.Request, p bucketProperties) (cloudformation.Resource, string, bool) {
			b, err := service.GetBucket(name(r, p))
			got, _ := made(b.Name, nil)
			return got, b.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p bucketProperties) (cloudformation.Resource, error) {
			in, err := p.input(name(r, p), r.Token)
			if err == nil {
				err = service.CreateBucket(in)
			}
			return made(in.BucketName, err)
		},
		update: func(_ context.Context, r cloudformation.Request, p bucketProperties) (cloudformation.Resource, error) {
			in, err := p.input(r.PhysicalID, r.Token)
			if err == nil {
				err = service.UpdateBucket(in)
			}
			return made(in.BucketName, err)
		},
		remove: func(_ context.Context, r cloudformation.Request, _ bucketProperties) error {
			return service.DeleteBucket(r.PhysicalID)
		},
	}
}
