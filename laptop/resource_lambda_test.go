package laptop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/s3"
)

// everythingOfLambda is a stack with each of Lambda's resource types.
const everythingOfLambda = `{
  "Resources": {
    "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "shared/logs", "RetentionInDays": 7}},
    "Tools": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": {"S3Bucket": "code", "S3Key": "c.zip"}, "CompatibleRuntimes": ["provided.al2023"]}},
    "Everybody": {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": {"LayerVersionArn": {"Ref": "Tools"}, "Action": "lambda:GetLayerVersion", "Principal": "*"}},
    "Told": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "told", "Runtime": "provided.al2023", "Handler": "h", "Role": "arn:aws:iam::000000000000:role/r",
      "Code": {"S3Bucket": "code", "S3Key": "c.zip"}}},
    "F": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "h", "Role": "arn:aws:iam::000000000000:role/r",
      "Code": {"S3Bucket": "code", "S3Key": "c.zip"}, "Layers": [{"Ref": "Tools"}], "EphemeralStorage": {"Size": 1024}, "TracingConfig": {"Mode": "PassThrough"},
      "LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "DEBUG", "LogGroup": {"Ref": "Log"}}, "Environment": {"Variables": {"EDITION": "%[1]s"}}, "Tags": [{"Key": "k", "Value": "v"}]}},
    "%[2]s": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}, "Description": "edition %[1]s"}},
    "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "F"}, "Name": "live", "FunctionVersion": {"Fn::GetAtt": ["%[2]s", "Version"]}, "Description": "what callers get"}},
    "May": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "Live"}, "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}},
    "Address": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Ref": "F"}, "Qualifier": "live", "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"], "MaxAge": 60}}, "DependsOn": "Live"},
    "Events": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"FunctionName": {"Ref": "F"}, "Qualifier": "live", "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 120,
      "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Told", "Arn"]}}}}, "DependsOn": "Live"}
  },
  "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Address", "FunctionUrl"]}}}
}`

func TestEveryTypeOfLambda(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stacks := openStacks(t, dir, nil)
	if err := s.objects.CreateBucket(s3.BucketInput{BucketName: "code"}); err != nil {
		t.Fatal(err)
	}
	zipped := archive(t)
	if _, err := s.objects.PutObject(t.Context(), s3.PutInput{Bucket: "code", Key: "c.zip", Body: bytes.NewReader(zipped), Size: int64(len(zipped))}); err != nil {
		t.Fatal(err)
	}
	if got := settle(t, stacks, "all", fmt.Sprintf(everythingOfLambda, "1", "V1")); got != types.StackStatusCreateComplete {
		t.Fatalf("the stack is %s", got)
	}
	check := func(s services, version string) {
		t.Helper()
		f, err := s.lambda.Function("f:live")
		if err != nil || f.Version != version || len(f.Layers) != 1 || f.EphemeralStorage != 1024 || f.LogsTo() != "shared/logs" || f.Logging != (lambda.Logging{Format: "JSON", ApplicationLevel: "INFO", SystemLevel: "DEBUG"}) || f.Description != "edition "+version {
			t.Errorf("the alias leads to %+v, %v", f, err)
		}
		if policy, _, err := s.lambda.Policy("f:live"); err != nil || len(policy) != 1 || policy[0].URLAuthType != "NONE" {
			t.Errorf("policy %+v, %v", policy, err)
		}
		if u, err := s.lambda.FunctionURL("f:live"); err != nil || u.CORS == nil || u.CORS.MaxAge != 60 || !strings.Contains(u.URL, u.ID) {
			t.Errorf("URL %+v, %v", u, err)
		}
		if c, err := s.lambda.EventInvokeConfig("f:live"); err != nil || *c.MaximumRetryAttempts != 1 || !strings.HasSuffix(c.OnFailure, ":told") {
			t.Errorf("event invoke configuration %+v, %v", c, err)
		}
		if layers := s.lambda.Layers(); len(layers) != 1 || len(layers[0].Policy) != 1 || !strings.HasPrefix(layers[0].Name, "all-Tools-") {
			t.Errorf("layers %+v", layers)
		}
	}
	check(s, "1")
	if got := change(t, stacks, "all", fmt.Sprintf(everythingOfLambda, "2", "V2")); got != types.StackStatusUpdateComplete {
		t.Fatalf("the stack is %s", got)
	}
	check(s, "2")
	if versions, err := s.lambda.Versions("f"); err != nil || len(versions) != 2 {
		t.Errorf("%d versions, %v; want $LATEST and 2", len(versions), err)
	}
	// It is all found again by another start over the same state.
	if err := stacks.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.lambda.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := lambda.Open(lambda.Config{Dir: dir + "/lambda", Objects: s.objects})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close(t.Context()) })
	check(services{lambda: again}, "2")
}

func TestLambdaTypesRefuseWhatTheyCannot(t *testing.T) {
	t.Parallel()
	s, stacks := openStacks(t, t.TempDir(), nil)
	if err := s.objects.CreateBucket(s3.BucketInput{BucketName: "code"}); err != nil {
		t.Fatal(err)
	}
	f := func(name, property string) {
		t.Helper()
		template := `{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023", "Handler": "h", "Role": "arn:aws:iam::000000000000:role/r",
			"Code": {"S3Bucket": "code", "S3Key": "c.zip"}, ` + property + `}}}}`
		if !json.Valid([]byte(template)) {
			t.Fatal(template)
		}
		if got := settle(t, stacks, name, template); got == types.StackStatusCreateComplete {
			t.Errorf("%s: the stack is %s", property, got)
		}
	}
	f("tracing", `"TracingConfig": {"Mode": "Active"}`)
	f("logging", `"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "WARN"}`)
	f("group", `"LoggingConfig": {"LogGroup": "aws/mine"}`)
	f("image", `"PackageType": "Image"`)
	f("dead-letters", `"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}`)
}
