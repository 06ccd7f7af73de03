package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/ephor-io/ephor/internal/awstest"
)

// client is the SDK's client of a service over HTTP.
func client(t *testing.T, s *Service) (*sdk.Client, string) {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}), server.URL
}

func TestSDK(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Objects: objects{"b/k/": bootstrapZip(t)}})
	c, _ := client(t, s)
	ctx := t.Context()
	name := aws.String("hello")

	made, err := c.CreateFunction(ctx, &sdk.CreateFunctionInput{
		FunctionName: name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("HelloWorld"), Role: aws.String("arn:aws:iam::0:role/r"),
		Code: &types.FunctionCode{ZipFile: script(t, "exit 1")}, Environment: &types.Environment{Variables: map[string]string{"VERSION": "1"}},
		MemorySize: aws.Int32(256), Timeout: aws.Int32(20), Tags: map[string]string{"a": "b"}, Description: aws.String("d"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *made.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:hello" || made.State != types.StateActive || *made.MemorySize != 256 || *made.Timeout != 20 {
		t.Errorf("created %+v", made)
	}
	if _, err := c.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, S3Bucket: aws.String("b"), S3Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if err := sdk.NewFunctionUpdatedV2Waiter(c).Wait(ctx, &sdk.GetFunctionInput{FunctionName: name}, 1e9); err != nil {
		t.Fatal(err)
	}
	updated, err := c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: name,
		Environment: &types.Environment{Variables: map[string]string{"VERSION": "2"}}})
	if err != nil || *updated.MemorySize != 256 || updated.Environment.Variables["VERSION"] != "2" {
		t.Fatalf("%+v %v", updated, err)
	}
	out, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: made.FunctionArn, Payload: []byte(`{"do":"context"}`), LogType: types.LogTypeTail,
		ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom":{"k":"v"}}`)))})
	if err != nil || out.FunctionError != nil || out.StatusCode != 200 || *out.ExecutedVersion != "$LATEST" || !strings.Contains(string(out.Payload), `"client":"v"`) {
		t.Fatalf("%+v %s %v", out, out.Payload, err)
	}
	if tail, err := base64.StdEncoding.DecodeString(*out.LogResult); err != nil || !strings.Contains(string(tail), "REPORT RequestId: ") {
		t.Errorf("log %s, %v", tail, err)
	}
	if out, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Payload: []byte(`{"do":"error","text":"no"}`)}); err != nil || aws.ToString(out.FunctionError) != "Unhandled" {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeDryRun}); err != nil || out.StatusCode != 204 {
		t.Errorf("%+v %v", out, err)
	}
	got, err := c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name, Qualifier: aws.String("$LATEST")})
	if err != nil || got.Tags["a"] != "b" || *got.Configuration.CodeSha256 != *updated.CodeSha256 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Error(err)
	}
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name})
	if throttled, ok := errors.AsType[*types.TooManyRequestsException](err); !ok || throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("got %v", err)
	}
	if got, err := c.GetFunctionConcurrency(ctx, &sdk.GetFunctionConcurrencyInput{FunctionName: name}); err != nil || *got.ReservedConcurrentExecutions != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	if _, err := c.TagResource(ctx, &sdk.TagResourceInput{Resource: made.FunctionArn, Tags: map[string]string{"c": "d"}}); err != nil {
		t.Error(err)
	}
	if _, err := c.UntagResource(ctx, &sdk.UntagResourceInput{Resource: made.FunctionArn, TagKeys: []string{"a"}}); err != nil {
		t.Error(err)
	}
	if got, err := c.ListTags(ctx, &sdk.ListTagsInput{Resource: made.FunctionArn}); err != nil || len(got.Tags) != 1 || got.Tags["c"] != "d" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	_, err = c.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: name})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestSDKPolicyAndPages(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	c, _ := client(t, s)
	ctx := t.Context()
	for _, name := range []string{"c", "a", "b"} {
		create(t, s, hello(t, func(in *FunctionInput) { in.Name, in.Code.ZipFile = name, script(t, "exit 1") }))
	}
	var names []string
	for pages := sdk.NewListFunctionsPaginator(c, &sdk.ListFunctionsInput{MaxItems: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if strings.Join(names, "") != "abc" {
		t.Errorf("listed %v", names)
	}
	if _, err := c.AddPermission(ctx, &sdk.AddPermissionInput{FunctionName: aws.String("a"), StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: aws.String("arn:aws:execute-api:*")}); err != nil {
		t.Fatal(err)
	}
	policy, err := c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Statement []struct {
			Sid       string
			Principal struct{ Service string }
			Condition struct{ ArnLike map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(*policy.Policy), &document); err != nil || document.Statement[0].Principal.Service != "apigateway.amazonaws.com" ||
		document.Statement[0].Condition.ArnLike["AWS:SourceArn"] != "arn:aws:execute-api:*" {
		t.Errorf("%s %v", *policy.Policy, err)
	}
	if _, err := c.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: aws.String("a"), StatementId: aws.String("s")}); err != nil {
		t.Error(err)
	}
	_, err = c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: aws.String("a")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestSDKIsRefusedByName(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	c, url := client(t, s)
	f := func(err error, code, message string) {
		t.Helper()
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
			t.Errorf("got %v, want %s %q", err, code, message)
		}
	}
	ctx := t.Context()
	_, err := c.ListCodeSigningConfigs(ctx, &sdk.ListCodeSigningConfigsInput{})
	f(err, "NotImplementedException", "ListCodeSigningConfigs")
	_, err = c.ListCapacityProviders(ctx, &sdk.ListCapacityProvidersInput{})
	f(err, "NotImplementedException", "ListCapacityProviders")
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("hello"), Layers: []string{"arn"}})
	f(err, "InvalidParameterValueException", "layer")
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("hello"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("x")}})
	f(err, "InvalidParameterValueException", "DeadLetterConfig")
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello"), TenantId: aws.String("blue")})
	f(err, "InvalidParameterValueException", "hello is not enabled with tenancy configuration")
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello"), DurableExecutionName: aws.String("d")})
	f(err, "InvalidParameterValueException", "DurableExecutionName")
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello"), Payload: []byte(`{`)})
	f(err, "InvalidRequestContentException", "JSON")
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello"), Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)})
	f(err, "RequestTooLargeException", "6291456")
	_, err = c.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("x"), Role: aws.String("r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, PackageType: types.PackageTypeImage, Code: &types.FunctionCode{ImageUri: aws.String("i")}})
	f(err, "InvalidParameterValueException", "ImageUri")

	resp, err := http.Post(url+"/2015-03-31/functions/hello/invocations/x", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown path: %s", resp.Status)
	}
}

// TestCLI invokes with the command that users have at hand.
func TestCLI(t *testing.T) {
	t.Parallel()
	aws := awstest.Program(t)
	s := open(t, Config{})
	_, url := client(t, s)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "function.zip"), bootstrapZip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := awstest.Command(t, aws, url, append([]string{"lambda"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("create-function", "--function-name", "hello", "--runtime", "provided.al2023", "--handler", "HelloWorld", "--role", "arn:aws:iam::000000000000:role/hello",
		"--zip-file", "fileb://function.zip", "--timeout", "20")
	if out := run("list-functions"); !strings.Contains(out, `"FunctionName": "hello"`) {
		t.Errorf("list-functions: %s", out)
	}
	run("invoke", "--function-name", "hello", "out.json")
	answer, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	pidOf(t, answer)
	run("publish-version", "--function-name", "hello")
	run("create-alias", "--function-name", "hello", "--name", "live", "--function-version", "1")
	if out := run("invoke", "--function-name", "hello", "--qualifier", "live", "out.json"); !strings.Contains(out, `"ExecutedVersion": "1"`) {
		t.Errorf("invoke: %s", out)
	}
	if out := run("invoke", "--function-name", "hello", "--invocation-type", "Event", "out.json"); !strings.Contains(out, `"StatusCode": 202`) {
		t.Errorf("invoke: %s", out)
	}
	run("put-provisioned-concurrency-config", "--function-name", "hello", "--qualifier", "live", "--provisioned-concurrent-executions", "1")
	ready(t, s, "hello:live")
	if out := run("list-provisioned-concurrency-configs", "--function-name", "hello"); !strings.Contains(out, `"Status": "READY"`) {
		t.Errorf("list-provisioned-concurrency-configs: %s", out)
	}
	if out := run("create-function-url-config", "--function-name", "hello", "--auth-type", "NONE"); !strings.Contains(out, `"FunctionUrl": "https://`) {
		t.Errorf("create-function-url-config: %s", out)
	}
	if out := run("publish-layer-version", "--layer-name", "tools", "--zip-file", "fileb://function.zip"); !strings.Contains(out, `"Version": 1`) {
		t.Errorf("publish-layer-version: %s", out)
	}
	if out := run("list-layers"); !strings.Contains(out, `"LayerName": "tools"`) {
		t.Errorf("list-layers: %s", out)
	}
	if out := run("get-layer-version-by-arn", "--arn", s.layerARN("tools")+":1"); !strings.Contains(out, `"CodeSha256"`) {
		t.Errorf("get-layer-version-by-arn: %s", out)
	}
	run("get-account-settings")
	run("delete-function", "--function-name", "hello")
}

// boto is a program that does with boto3 what its users do.
const boto = `
import sys, json, boto3, botocore.config
c = boto3.client("lambda", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
    config=botocore.config.Config(retries={"total_max_attempts": 1}))
zip = open(sys.argv[2], "rb").read()
f = c.create_function(FunctionName="hello", Runtime="provided.al2023", Handler="h", Role="arn:aws:iam::000000000000:role/r",
    Code={"ZipFile": zip}, Timeout=20, Publish=True, Architectures=[sys.argv[3]])
assert f["Version"] == "1", f
c.get_waiter("function_active_v2").wait(FunctionName="hello")
c.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
assert [v["Version"] for p in c.get_paginator("list_versions_by_function").paginate(FunctionName="hello") for v in p["Versions"]] == ["$LATEST", "1"]
assert c.invoke(FunctionName="hello", Qualifier="live", Payload=b"{}")["ExecutedVersion"] == "1"
assert c.invoke(FunctionName="hello", InvocationType="Event")["StatusCode"] == 202
chunks = list(c.invoke_with_response_stream(FunctionName="hello", Payload=json.dumps({"do": "big", "bytes": 70000}))["EventStream"])
assert sum(len(e["PayloadChunk"]["Payload"]) for e in chunks if "PayloadChunk" in e) == 70002, chunks
assert "InvokeComplete" in chunks[-1], chunks
e = c.put_function_event_invoke_config(FunctionName="hello", Qualifier="live", MaximumRetryAttempts=1)
assert e["LastModified"].year > 2000, e
c.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=0)
try:
    c.invoke(FunctionName="hello")
    raise SystemExit("not throttled")
except c.exceptions.TooManyRequestsException as e:
    assert e.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", e.response
try:
    c.get_alias(FunctionName="hello", Name="none")
    raise SystemExit("found")
except c.exceptions.ResourceNotFoundException:
    pass
c.delete_function(FunctionName="hello")
`

func TestBoto3(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: apt-get install python3")
	}
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	s := open(t, Config{})
	_, url := client(t, s)
	zip := filepath.Join(t.TempDir(), "function.zip")
	if err := os.WriteFile(zip, bootstrapZip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", boto, url, zip, hostArchitecture())
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestEventsOfOneRun tells the story of one invocation in order.
func TestEventsOfOneRun(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t))
	call(t, s, `{}`)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var story []string
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		switch e := e.(type) {
		case EnvironmentStarted:
			story = append(story, "started")
		case EnvironmentReady:
			story = append(story, "ready")
		case LogLine:
			story = append(story, strings.Fields(e.Line)[0])
		case InvocationDone:
			if !e.Cold || e.ErrorType != "" || e.Duration <= 0 {
				t.Errorf("%+v", e)
			}
			story = append(story, "done")
		case EnvironmentStopped:
			story = append(story, "stopped "+string(e.Reason))
		}
	}
	if got, want := strings.Join(story, ", "), "started, ready, START, END, REPORT, done, stopped spindown"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestConfigurationUnderConcurrentUse is for the race detector.
func TestConfigurationUnderConcurrentUse(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Tags = map[string]string{"a": "b"} }))
	c, _ := client(t, s)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if _, err := c.TagResource(t.Context(), &sdk.TagResourceInput{Resource: aws.String("hello"), Tags: map[string]string{"x": "y"}}); err != nil {
					t.Error(err)
				}
				if _, err := c.ListFunctions(t.Context(), &sdk.ListFunctionsInput{}); err != nil {
					t.Error(err)
				}
				s.Stats()
			}
		})
	}
	wg.Wait()
}
