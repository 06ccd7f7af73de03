package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/ephor-io/ephor/internal/uptest"
)

// account is an AWS SDK at the application's endpoint.
type account struct {
	t       *testing.T
	stacks  *cloudformation.Client
	objects *s3.Client
	lambda  *lambda.Client
}

func newAccount(t *testing.T, a *application) *account {
	c := aws.Config{Region: "us-east-1", BaseEndpoint: &a.Endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	return &account{t: t, stacks: cloudformation.NewFromConfig(c), lambda: lambda.NewFromConfig(c),
		objects: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })}
}

// describe is a stack's status, reason and outputs; a stack that does not exist has none.
func (c *account) describe(name string) (status types.StackStatus, reason string, outputs map[string]string) {
	c.t.Helper()
	out, err := c.stacks.DescribeStacks(c.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	var api smithy.APIError
	if errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "does not exist") {
		return "", "", nil
	}
	if err != nil {
		c.t.Fatal(err)
	}
	outputs = map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return out.Stacks[0].StackStatus, aws.ToString(out.Stacks[0].StackStatusReason), outputs
}

func (c *account) becomes(name string, want types.StackStatus) map[string]string {
	c.t.Helper()
	var outputs map[string]string
	uptest.Eventually(c.t, name+" becomes "+string(want), func() bool {
		var status types.StackStatus
		status, _, outputs = c.describe(name)
		return status == want
	})
	return outputs
}

func parameters(greeting string) []types.Parameter {
	return []types.Parameter{
		{ParameterKey: aws.String("CodeBucket"), ParameterValue: aws.String("code-of-mine")},
		{ParameterKey: aws.String("Greeting"), ParameterValue: &greeting},
		{ParameterKey: aws.String("Architecture"), ParameterValue: aws.String(architecture())},
	}
}

// The whole life of a stack that is written by hand, through the SDK.
func TestAStackOfOnesOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	c := newAccount(t, a)
	c.upload(ctx, "code-of-mine", packaged(t, filepath.Join("testdata", "greeter.go")))
	template, err := os.ReadFile("testdata/stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	body, capabilities := aws.String(string(template)), []types.Capability{types.CapabilityCapabilityIam}
	name := aws.String("mine")

	// Without the capability, with a value that is not allowed, with a type that there is not.
	refused := func(want string, in *cloudformation.CreateStackInput) {
		t.Helper()
		in.StackName = name
		if _, err := c.stacks.CreateStack(ctx, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	refused("CAPABILITY_IAM", &cloudformation.CreateStackInput{TemplateBody: body, Parameters: parameters("Hello")})
	refused("Greeting", &cloudformation.CreateStackInput{TemplateBody: body, Parameters: parameters("Moin"), Capabilities: capabilities})
	refused("AWS::Neptune::DBCluster", &cloudformation.CreateStackInput{TemplateBody: aws.String(`{"Resources":{"Q":{"Type":"AWS::Neptune::DBCluster"}}}`)})

	if _, err := c.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: name, TemplateBody: body, Parameters: parameters("Hello"), Capabilities: capabilities}); err != nil {
		t.Fatal(err)
	}
	o := c.becomes("mine", types.StackStatusCreateComplete)
	greets(t, o["Url"], "Hello, you")
	if o["Store"] != a.Store {
		t.Errorf("imported %q, want %q", o["Store"], a.Store)
	}
	answer, err := c.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(o["Function"]), Payload: []byte(`{"pathParameters":{"name":"SDK"}}`)})
	if err != nil || string(answer.Payload) != `"Hello, SDK"` {
		t.Errorf("invoke: %s, %v", answer.Payload, err)
	}

	if _, err := c.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: name, TemplateBody: body, Parameters: parameters("Servus"), Capabilities: capabilities}); err != nil {
		t.Fatal(err)
	}
	c.becomes("mine", types.StackStatusUpdateComplete)
	greets(t, o["Url"], "Servus beinand, you")
	if _, err := c.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: name, TemplateBody: body, Parameters: parameters("Servus"), Capabilities: capabilities}); err == nil || !strings.Contains(err.Error(), "No updates are to be performed") {
		t.Errorf("an update without a change: %v", err)
	}

	// A bucket that is not empty keeps its stack from going, as on AWS.
	key := aws.String("a/b")
	if _, err := c.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(o["Bucket"]), Key: key, Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	c.delete(ctx, "mine")
	c.becomes("mine", types.StackStatusDeleteFailed)
	versions, err := c.objects.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String(o["Bucket"])})
	if err != nil || len(versions.Versions) != 1 {
		t.Fatalf("%v, %v", versions, err)
	}
	if _, err := c.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(o["Bucket"]), Key: key, VersionId: versions.Versions[0].VersionId}); err != nil {
		t.Fatal(err)
	}
	c.delete(ctx, "mine")
	c.becomes("mine", "")

	// The monitoring stack is imported from: its deletion is refused, in AWS's way.
	before, _, _ := c.describe("SpartaGrafana-Monitoring")
	c.delete(ctx, "SpartaGrafana-Monitoring")
	uptest.Eventually(t, "the reason", func() bool {
		_, reason, _ := c.describe("SpartaGrafana-Monitoring")
		return strings.Contains(reason, "in use by SpartaGrafana")
	})
	if after, _, _ := c.describe("SpartaGrafana-Monitoring"); after != before {
		t.Errorf("the status went from %s to %s", before, after)
	}
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("the application answers %d", status)
	}
}

func (c *account) upload(ctx context.Context, bucket, path string) {
	c.t.Helper()
	if _, err := c.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		c.t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := c.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(filepath.Base(path)), Body: f}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *account) delete(ctx context.Context, stack string) {
	c.t.Helper()
	if _, err := c.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack}); err != nil {
		c.t.Fatal(err)
	}
}
