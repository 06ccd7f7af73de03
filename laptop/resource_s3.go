package laptop

import (
	"context"
	"strings"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
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
	NotificationConfiguration      notificationProperties
	LifecycleConfiguration         struct{ Rules []lifecycleRule }
	Tags                           tags
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
type lifecycleRule struct {
	ID                          string `json:"Id"`
	Status, Prefix              string
	ExpirationInDays            int
	ExpiredObjectDeleteMarker   bool
	NoncurrentVersionExpiration struct{ NoncurrentDays int }
}

func (r lifecycleRule) expiration() (s3.Expiration, error) {
	if r.Status != "Enabled" && r.Status != "Disabled" {
		return s3.Expiration{}, awsproto.Errorf("MalformedXML", "lifecycle rule %q: Status is %q; it may be Enabled or Disabled", r.ID, r.Status)
	}
	return s3.Expiration{ID: r.ID, Prefix: r.Prefix, Disabled: r.Status == "Disabled", Days: r.ExpirationInDays,
		NoncurrentDays: r.NoncurrentVersionExpiration.NoncurrentDays, Markers: r.ExpiredObjectDeleteMarker}, nil
}

type notificationProperties struct {
	LambdaConfigurations []struct {
		Event    string
		Function string
		Filter   struct {
			S3Key struct {
				Rules []struct{ Name, Value string }
			}
		}
	}
	QueueConfigurations, TopicConfigurations []any
	EventBridgeConfiguration                 *struct{ EventBridgeEnabled *bool }
}

func (p notificationProperties) notifications() ([]s3.Notification, error) {
	if len(p.QueueConfigurations)+len(p.TopicConfigurations) > 0 {
		return nil, awsproto.Errorf("InvalidRequest", "NotificationConfiguration: on this machine notifications go to functions (LambdaConfigurations) and EventBridge")
	}
	var all []s3.Notification
	for _, c := range p.LambdaConfigurations {
		n := s3.Notification{Function: c.Function, Events: []string{c.Event}}
		for _, rule := range c.Filter.S3Key.Rules {
			switch strings.ToLower(rule.Name) {
			case "prefix":
				n.Prefix = rule.Value
			case "suffix":
				n.Suffix = rule.Value
			default:
				return nil, awsproto.Errorf("InvalidArgument", "filter rule name must be either prefix or suffix, not %q", rule.Name)
			}
		}
		all = append(all, n)
	}
	return all, nil
}

// eventBridge says that they go to EventBridge. Its one property is true unless it says otherwise.
func (p notificationProperties) eventBridge() bool {
	e := p.EventBridgeConfiguration
	return e != nil && (e.EventBridgeEnabled == nil || *e.EventBridgeEnabled)
}

// told lets S3 call functions.
type told struct{ lambda func() *lambda.Service }

const s3Principal = "s3.amazonaws.com"

func (t told) MayInvoke(function, bucketARN string) error {
	return t.lambda().MayInvoke(function, s3Principal, bucketARN, Account)
}

func (t told) Invoke(ctx context.Context, function, bucketARN string, event []byte) error {
	_, err := t.lambda().InvokeAsync(ctx, lambda.InvokeInput{Function: function, Payload: event, Principal: s3Principal, SourceARN: bucketARN, SourceAccount: Account})
	return err
}

func (p bucketProperties) input(name, token string) (s3.BucketInput, error) {
	in := s3.BucketInput{BucketName: name, ClientToken: token, VersioningConfiguration: p.VersioningConfiguration.Status,
		PublicAccessBlockConfiguration: p.PublicAccessBlockConfiguration, Tags: p.Tags.toMap()}
	in.EventBridge = p.NotificationConfiguration.eventBridge()
	var err error
	if in.Notifications, err = p.NotificationConfiguration.notifications(); err != nil {
		return in, err
	}
	for _, r := range p.LifecycleConfiguration.Rules {
		e, err := r.expiration()
		if err != nil {
			return in, err
		}
		in.Lifecycle = append(in.Lifecycle, e)
	}
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
			Properties: []string{"BucketName", "VersioningConfiguration", "BucketEncryption", "PublicAccessBlockConfiguration", "NotificationConfiguration", "LifecycleConfiguration", "Tags"},
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
