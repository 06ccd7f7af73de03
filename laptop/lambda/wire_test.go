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
	_, err := c.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{})
	f(err, "NotImplementedException", "ListEventSourceMappings")
	_, err = c.ListCapacityProviders(ctx, &sdk.ListCapacityProvidersInput{})
	f(err, "NotImplementedException", "ListCapacityProviders")
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("hello"), Layers: []string{"arn"}})
	f(err, "InvalidParameterValueException", "layer")
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("hello"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("x")}})
	f(err, "InvalidParameterValueException", "DeadLetterConfig")
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
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("aws is not installed: pip install awscli")
	}
	s := open(t, Config{})
	_, url := client(t, s)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "function.zip"), bootstrapZip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(aws, append([]string{"--endpoint-url", url, "--region", "us-east-1", "--output", "json", "lambda"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=")
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
	run("delete-function", "--function-name", "hello")
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
