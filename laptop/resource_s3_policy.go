package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/s3"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html
type bucketPolicyProperties struct {
	Bucket         string
	PolicyDocument any
}

// bucketPolicies keep what a bucket is told, of which there is one; it holds nobody off here.
func bucketPolicies(service *s3.Service) cloudformation.Provider {
	put := func(r cloudformation.Request, p bucketPolicyProperties) (cloudformation.Resource, error) {
		document, err := policy(p.PolicyDocument)
		if err == nil {
			err = service.SetPolicy(p.Bucket, document, r.Token)
		}
		return made(p.Bucket, nil, err)
	}
	return resource[bucketPolicyProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Bucket", "PolicyDocument"},
			Required:   []string{"Bucket", "PolicyDocument"},
			CreateOnly: []string{"Bucket"},
		},
		find: func(r cloudformation.Request, p bucketPolicyProperties) (cloudformation.Resource, string, bool) {
			b, err := service.GetBucket(physical(r, p.Bucket, 0, asItIs))
			got, _ := made(b.Name, nil, nil)
			return got, b.PolicyMark, err == nil && b.Policy != ""
		},
		create: func(_ context.Context, r cloudformation.Request, p bucketPolicyProperties) (cloudformation.Resource, error) {
			if b, err := service.GetBucket(p.Bucket); err == nil && b.Policy != "" {
				return cloudformation.Resource{}, awsproto.Errorf("AlreadyExists", "The bucket policy already exists on bucket %s.", p.Bucket)
			}
			return put(r, p)
		},
		update: func(_ context.Context, r cloudformation.Request, p bucketPolicyProperties) (cloudformation.Resource, error) {
			return put(r, p)
		},
		remove: func(_ context.Context, r cloudformation.Request, _ bucketPolicyProperties) error {
			return service.SetPolicy(r.PhysicalID, "", "")
		},
	}
}
