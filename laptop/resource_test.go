package laptop

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/cloudwatch"
	"github.com/ephor-io/ephor/laptop/ec2"
	"github.com/ephor-io/ephor/laptop/iam"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/logs"
	"github.com/ephor-io/ephor/laptop/s3"
	"github.com/ephor-io/ephor/laptop/scheduler"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
	"github.com/ephor-io/ephor/laptop/sqs"
)

// hostless is an ec2.Host of which nothing runs.
type hostless struct{}

func (hostless) Boot(context.Context, ec2.Instance) error { return nil }
func (hostless) Halt(context.Context, string) error       { return nil }

// nobody is an apigateway.Invoker that has no function.
type nobody struct{}

func (nobody) Invoke(context.Context, apigateway.Call) (apigateway.Result, error) {
	return apigateway.Result{}, nil
}

// openServices opens every service over the state in dir.
func openServices(t *testing.T, dir string) services {
	t.Helper()
	var s services
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.objects, err = s3.Open(s3.Config{Dir: filepath.Join(dir, "s3")})
	check()
	s.roles, err = iam.Open(iam.Config{Dir: filepath.Join(dir, "iam")})
	check()
	s.secrets, err = secretsmanager.Open(secretsmanager.Config{Dir: filepath.Join(dir, "secretsmanager")})
	check()
	s.machines, err = ec2.Open(ec2.Config{Dir: filepath.Join(dir, "ec2"), Host: hostless{}})
	check()
	t.Cleanup(func() { _ = s.machines.Close() })
	s.logs, err = logs.Open(logs.Config{Dir: filepath.Join(dir, "logs")})
	check()
	t.Cleanup(func() { _ = s.logs.Close() })
	s.queues, err = sqs.Open(sqs.Config{Dir: filepath.Join(dir, "sqs")})
	check()
	t.Cleanup(func() { _ = s.queues.Close() })
	s.lambda, err = lambda.Open(lambda.Config{Dir: filepath.Join(dir, "lambda"), Objects: s.objects, Queues: mail{s.queues}})
	check()
	t.Cleanup(func() { _ = s.lambda.Close(context.Background()) })
	s.times, err = scheduler.Open(scheduler.Config{Dir: filepath.Join(dir, "scheduler"), Invoke: invokeLater(s.lambda)})
	check()
	t.Cleanup(func() { _ = s.times.Close() })
	s.alarms, err = cloudwatch.Open(cloudwatch.Config{Dir: filepath.Join(dir, "cloudwatch")})
	check()
	s.gateway, err = apigateway.Open(apigateway.Config{Dir: filepath.Join(dir, "apigateway"), Invoker: nobody{}})
	check()
	t.Cleanup(func() { _ = s.gateway.Close(context.Background()) })
	return s
}

// archive is the smallest code that a function can have.
func archive(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	f, err := z.CreateHeader(&zip.FileHeader{Name: "bootstrap", ExternalAttrs: 0o755 << 16})
	if err == nil {
		_, err = f.Write([]byte("#!/bin/sh\n"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// properties are those of a resource as CloudFormation hands them to a provider.
func properties(t *testing.T, text string) (p map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

const trust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`

// A creation that was cut off leaves no physical ID. What it made is found again by its token, and
// deleting it deletes that alone, never what another stack has under the same name.
func TestTheTokenTellsWhatACreationMade(t *testing.T) {
	t.Parallel()
	s := openServices(t, t.TempDir())
	if err := s.objects.CreateBucket(s3.BucketInput{BucketName: "code"}); err != nil {
		t.Fatal(err)
	}
	zipped := archive(t)
	if _, err := s.objects.PutObject(t.Context(), s3.PutInput{Bucket: "code", Key: "c.zip", Body: bytes.NewReader(zipped), Size: int64(len(zipped))}); err != nil {
		t.Fatal(err)
	}
	api, err := s.gateway.CreateAPI(apigateway.APIInput{Name: "a", ProtocolType: "HTTP"})
	if err != nil {
		t.Fatal(err)
	}
	integration := func() string {
		i, err := s.gateway.CreateIntegration(api.APIID, apigateway.IntegrationInput{IntegrationType: "AWS_PROXY",
			IntegrationURI: "arn:aws:lambda:us-east-1:000000000000:function:none", PayloadFormatVersion: "2.0"})
		if err != nil {
			t.Fatal(err)
		}
		return i.IntegrationID
	}
	script := base64.StdEncoding.EncodeToString([]byte("EPHOR_SIGNAL='http://localhost/'\n"))
	host, err := s.machines.RunInstance(ec2.InstanceInput{UserData: script})
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.machines.AllocateAddress(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	function, err := s.lambda.CreateFunction(t.Context(), lambda.FunctionInput{Name: "base", Runtime: "provided.al2023", Handler: "bootstrap",
		Role: "arn:aws:iam::000000000000:role/r", Code: lambda.Code{ZipFile: zipped}})
	if err != nil {
		t.Fatal(err)
	}
	queue, err := s.queues.CreateQueue(sqs.QueueInput{Name: "source"})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := s.gateway.CreateRestAPI(apigateway.RestAPIInput{Name: "r"})
	if err != nil {
		t.Fatal(err)
	}
	restID, root := rest.ID, rest.RootResourceID
	onREST := func(more string) string { return `{"RestApiId": "` + restID + `", ` + more + `}` }
	method := func(function string) string {
		return onREST(`"ResourceId": "` + root + `", "HttpMethod": "GET", "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST",
			"Uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:` + function + `/invocations"}`)
	}
	if _, err := s.gateway.CreateMethod(restID, root, apigateway.MethodInput{HTTPMethod: "PUT", Integration: apigateway.MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST",
		URI: "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"}}); err != nil {
		t.Fatal(err)
	}
	deployed, err := s.gateway.CreateRestDeployment(restID, "", "")
	if err != nil {
		t.Fatal(err)
	}
	onAPI := func(rest string) string { return `{"ApiId": "` + api.APIID + `", ` + rest + `}` }
	all := providers(s, "us-east-1")

	for name, c := range map[string]struct {
		mine, theirs string // the properties that two stacks give; theirs "" is the same
		shared       bool   // the name can be had only once
	}{
		"AWS::IAM::Role":              {mine: `{"RoleName": "shared", "AssumeRolePolicyDocument": ` + trust + `}`, shared: true},
		"AWS::IAM::InstanceProfile":   {mine: `{"InstanceProfileName": "shared", "Roles": []}`, shared: true},
		"AWS::Logs::LogGroup":         {mine: `{"LogGroupName": "/shared", "RetentionInDays": 7}`, shared: true},
		"AWS::S3::Bucket":             {mine: `{"BucketName": "shared"}`, shared: true},
		"AWS::S3::BucketPolicy":       {mine: `{"Bucket": "code", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}`, shared: true},
		"AWS::SecretsManager::Secret": {mine: `{"Name": "shared", "SecretString": "s"}`, shared: true},
		"AWS::Lambda::Function": {mine: `{"FunctionName": "shared", "Runtime": "provided.al2023", "Handler": "bootstrap",
			"Role": "arn:aws:iam::000000000000:role/r", "Code": {"S3Bucket": "code", "S3Key": "c.zip"}}`, shared: true},
		"AWS::Lambda::Version":           {mine: `{"FunctionName": "base"}`, shared: true},
		"AWS::Lambda::Alias":             {mine: `{"FunctionName": "base", "FunctionVersion": "$LATEST", "Name": "live"}`, shared: true},
		"AWS::Lambda::LayerVersion":      {mine: `{"LayerName": "shared", "Content": {"S3Bucket": "code", "S3Key": "c.zip"}}`},
		"AWS::Lambda::Url":               {mine: `{"TargetFunctionArn": "` + function.ARN + `", "AuthType": "NONE"}`, shared: true},
		"AWS::Lambda::EventInvokeConfig": {mine: `{"FunctionName": "base", "Qualifier": "$LATEST", "MaximumRetryAttempts": 0}`, shared: true},
		"AWS::Scheduler::Schedule": {mine: `{"Name": "shared", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "DISABLED",
			"Target": {"Arn": "` + function.ARN + `", "RoleArn": "arn:aws:iam::000000000000:role/r"}}`, shared: true},
		"AWS::SQS::Queue":                 {mine: `{"QueueName": "shared", "VisibilityTimeout": 60}`, shared: true},
		"AWS::Lambda::EventSourceMapping": {mine: `{"FunctionName": "base", "EventSourceArn": "` + queue.ARN + `", "Enabled": false}`, shared: true},
		"AWS::CloudWatch::Alarm": {mine: `{"AlarmName": "shared", "Namespace": "AWS/Lambda", "MetricName": "Throttles", "Statistic": "Sum", "Threshold": 0,
			"ComparisonOperator": "GreaterThanThreshold", "Period": 300, "EvaluationPeriods": 1}`, shared: true},
		"AWS::EC2::SecurityGroup":  {mine: `{"GroupName": "shared", "GroupDescription": "g"}`, shared: true},
		"AWS::EC2::EIP":            {mine: `{"Domain": "vpc"}`},
		"AWS::EC2::Instance":       {mine: `{"UserData": "` + script + `"}`},
		"AWS::EC2::EIPAssociation": {mine: `{"AllocationId": "` + address.AllocationID + `", "InstanceId": "` + host.InstanceID + `"}`},
		"AWS::ApiGateway::RestApi": {mine: `{"Name": "b"}`},
		"AWS::ApiGateway::Method":  {mine: method("mine"), theirs: method("theirs"), shared: true},
		"AWS::ApiGateway::Stage":   {mine: onREST(`"StageName": "prod", "DeploymentId": "` + deployed.ID + `"`), shared: true},
		"AWS::ApiGatewayV2::Api":   {mine: `{"Name": "b", "ProtocolType": "HTTP"}`},
		"AWS::ApiGatewayV2::Stage": {mine: onAPI(`"StageName": "$default"`), shared: true},
		"AWS::ApiGatewayV2::Route": {mine: onAPI(`"RouteKey": "GET /", "Target": "integrations/` + integration() + `"`),
			theirs: onAPI(`"RouteKey": "GET /", "Target": "integrations/` + integration() + `"`), shared: true},
	} {
		t.Run(name, func(t *testing.T) {
			request := func(stack, text string) cloudformation.Request {
				return cloudformation.Request{StackName: stack, LogicalID: "It", Type: name, Token: "token-of-" + stack, Properties: properties(t, text)}
			}
			if c.theirs == "" {
				c.theirs = c.mine
			}
			p, mine, theirs := all[name], request("one", c.mine), request("two", c.theirs)
			made, err := p.Create(t.Context(), mine)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := p.Create(t.Context(), mine); err != nil || again.PhysicalID != made.PhysicalID {
				t.Errorf("created again: %q, %v, want %q", again.PhysicalID, err, made.PhysicalID)
			}
			if c.shared {
				if _, err := p.Create(t.Context(), theirs); err == nil {
					t.Error("another stack has the same name")
				}
			}
			there := mine
			there.PhysicalID, there.OldProperties = made.PhysicalID, mine.Properties
			remains := func(want bool) {
				t.Helper()
				// A creation finds what is there, and makes another where nothing is.
				if got, err := p.Create(t.Context(), mine); (err == nil && got.PhysicalID == made.PhysicalID) != want {
					t.Errorf("it is %q, %v; still %q: want %v", got.PhysicalID, err, made.PhysicalID, want)
				}
			}
			if err := p.Delete(t.Context(), theirs); err != nil {
				t.Fatal(err)
			}
			remains(true)
			if _, err := p.Update(t.Context(), there); err != nil {
				t.Fatal(err)
			}
			if err := p.Delete(t.Context(), mine); err != nil {
				t.Fatal(err)
			}
			if c.shared {
				if _, err := p.Create(t.Context(), theirs); err != nil {
					t.Errorf("after the deletion: %v", err)
				}
			} else {
				remains(false)
			}
		})
	}
}

// A laptop dies when a second stack is about to make what a first one has under the same name. The
// roll-back of the second leaves the first alone.
func TestACrashDeletesNothingOfAnotherStack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		resource string
		there    func(services) error
	}{
		"role": {`{"Type": "AWS::IAM::Role", "Properties": {"RoleName": "shared", "AssumeRolePolicyDocument": ` + trust + `}}`,
			func(s services) error { _, err := s.roles.GetRole("shared"); return err }},
		"bucket": {`{"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "shared"}}`,
			func(s services) error { _, err := s.objects.GetBucket("shared"); return err }},
		"secret": {`{"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "shared", "SecretString": "s"}}`,
			func(s services) error { _, err := s.secrets.DescribeSecret("shared"); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, died := t.TempDir(), filepath.Join(t.TempDir(), "died")
			template := `{"Resources": {"It": ` + c.resource + `}}`
			_, first := openStacks(t, dir, func(e cloudformation.Event) {
				// The intent is on disk, and nothing is made of it yet.
				if e.StackName == "two" && e.LogicalID == "It" && e.Status == "CREATE_IN_PROGRESS" {
					if err := os.CopyFS(died, os.DirFS(dir)); err != nil {
						t.Error(err)
					}
				}
			})
			if got := settle(t, first, "one", template); got != types.StackStatusCreateComplete {
				t.Fatalf("the first stack is %s", got)
			}
			if got := settle(t, first, "two", template); got != types.StackStatusRollbackComplete {
				t.Fatalf("the second stack is %s", got)
			}
			revived, second := openStacks(t, died, nil)
			if err := second.Restore(t.Context()); err != nil {
				t.Error(err)
			}
			if err := c.there(revived); err != nil {
				t.Errorf("what the first stack has: %v", err)
			}
		})
	}
}

// openStacks opens every service over the state in dir, and CloudFormation over them.
func openStacks(t *testing.T, dir string, events func(cloudformation.Event)) (services, *cloudformation.Service) {
	t.Helper()
	s := openServices(t, dir)
	c, err := cloudformation.Open(cloudformation.Config{Dir: filepath.Join(dir, "cloudformation"), Providers: providers(s, "us-east-1"), Events: events})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return s, c
}

// settle creates a stack and returns the status in which it comes to rest.
func settle(t *testing.T, service *cloudformation.Service, name, template string) types.StackStatus {
	t.Helper()
	return rest(t, service, name, func(client *sdk.Client) error {
		_, err := client.CreateStack(t.Context(), &sdk.CreateStackInput{StackName: &name, TemplateBody: &template,
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}})
		return err
	})
}

// change updates a stack and returns the status in which it comes to rest.
func change(t *testing.T, service *cloudformation.Service, name, template string) types.StackStatus {
	t.Helper()
	return rest(t, service, name, func(client *sdk.Client) error {
		_, err := client.UpdateStack(t.Context(), &sdk.UpdateStackInput{StackName: &name, TemplateBody: &template})
		return err
	})
}

func rest(t *testing.T, service *cloudformation.Service, name string, begin func(*sdk.Client) error) types.StackStatus {
	t.Helper()
	server := httptest.NewServer(service)
	defer server.Close()
	client := sdk.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")})
	if err := begin(client); err != nil {
		t.Fatal(err)
	}
	for {
		out, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: &name})
		if err != nil {
			t.Fatal(err)
		}
		if status := out.Stacks[0].StackStatus; !strings.HasSuffix(string(status), "_IN_PROGRESS") {
			return status
		}
		time.Sleep(time.Millisecond)
	}
}
