package laptop

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// thousand is a template of 1,000 resources, in a hundred groups: a queue with its dead letter queue and
// policy, a log group, parameters that tell of each other, a secret and a schedule.
func thousand(delay int) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range 100 {
		fmt.Fprintf(&b, `
 Dead%[1]d: {Type: AWS::SQS::Queue}
 Queue%[1]d: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: %[2]d, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead%[1]d.Arn, maxReceiveCount: 2}}}
 Policy%[1]d: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Queue%[1]d], PolicyDocument: {Version: "2012-10-17", Statement: []}}}
 Log%[1]d: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}
 Role%[1]d: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}}}
 Group%[1]d: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g}}
 Api%[1]d: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
 Secret%[1]d: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: {}}}
 Url%[1]d: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Queue%[1]d}}
 Told%[1]d: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub "${Url%[1]d.Value} ${Log%[1]d.Arn} ${Role%[1]d.Arn} ${Api%[1]d.ApiEndpoint}"}}`, i, delay)
	}
	return b.String()
}

// converge leads a stack to a template of any size, through a bucket, and waits for it.
func converge(tb testing.TB, l *Laptop, stack, template string, change func(context.Context, *cloudformation.Client, *string) error) {
	tb.Helper()
	ctx, endpoint := tb.Context(), l.Addresses().Endpoint
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	objects := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("templates"), aws.String("t.yaml")
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil && !strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
		tb.Fatal(err)
	}
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(template)}); err != nil {
		tb.Fatal(err)
	}
	c := cloudformation.NewFromConfig(config)
	if err := change(ctx, c, aws.String("https://s3.us-east-1.amazonaws.com/templates/t.yaml")); err != nil {
		tb.Fatal(err)
	}
	for {
		out, err := c.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
		if err != nil {
			tb.Fatal(err)
		}
		switch s := out.Stacks[0]; {
		case s.StackStatus == types.StackStatusCreateComplete || s.StackStatus == types.StackStatusUpdateComplete:
			return
		case !strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS"):
			tb.Fatalf("stack %s: %s", s.StackStatus, aws.ToString(s.StackStatusReason))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func createThousand(ctx context.Context, c *cloudformation.Client, url *string) error {
	_, err := c.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: aws.String("wide"), TemplateURL: url, Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
	return err
}

// A thousand resources of real types converge, and a change of a hundred of them does. AWS takes 500 in a
// template: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
func TestAThousandResources(t *testing.T) {
	t.Parallel()
	l := start(t, Config{Dir: t.TempDir()})
	converge(t, l, "wide", thousand(1), createThousand)
	converge(t, l, "wide", thousand(2), func(ctx context.Context, c *cloudformation.Client, url *string) error {
		_, err := c.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: aws.String("wide"), TemplateURL: url, Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
		return err
	})
	out, err := client(l).ListStackResources(t.Context(), &cloudformation.ListStackResourcesInput{StackName: aws.String("wide")})
	if err != nil || len(out.StackResourceSummaries) != 1000 {
		t.Fatalf("%d resources, %v", len(out.StackResourceSummaries), err)
	}
	changed := 0
	for _, r := range out.StackResourceSummaries {
		if r.ResourceStatus == types.ResourceStatusUpdateComplete {
			changed++
		}
	}
	if changed != 100 {
		t.Errorf("%d resources were updated, want the 100 queues", changed)
	}
}

// BenchmarkThousandResources is the creation of a stack of a thousand resources of real types, from the call
// until it is complete.
func BenchmarkThousandResources(b *testing.B) {
	template := thousand(1)
	for b.Loop() {
		b.StopTimer()
		l, err := Start(b.Context(), Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		converge(b, l, "wide", template, createThousand)
		b.StopTimer()
		if err := l.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
