package lambda

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestFunctionsSurvive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	create(t, s, hello(t, func(in *FunctionInput) {
		in.Environment = map[string]string{"VERSION": "1"}
		in.Tags = map[string]string{"a": "b"}
		in.ReservedConcurrency = new(3)
	}))
	if err := s.AddPermission("hello", Permission{StatementID: "s", Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com"}); err != nil {
		t.Fatal(err)
	}
	want, err := s.Function("hello")
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, hello(t, func(in *FunctionInput) { in.Name, in.Code.ZipFile = "gone", script(t, "exit 1") }))
	if err := s.DeleteFunction(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	// Nothing is closed: what was acknowledged is there for whoever opens the folder next.
	again := open(t, Config{Dir: dir})
	if diff := cmp.Diff([]Function{want}, again.Functions()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := again.unreserved.Load(); got != 997 {
		t.Errorf("%d unreserved", got)
	}
	if got := string(call(t, again, `{}`)); !strings.Contains(got, `"version":"1"`) {
		t.Errorf("got %s", got)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	f := func(code, message string, edit func(*FunctionInput)) {
		t.Helper()
		_, err := s.CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.Name = "other" }, edit))
		if e := awsproto.From(err); e.Code != code || !strings.Contains(e.Message, message) {
			t.Errorf("got %v, want %s %q", err, code, message)
		}
	}
	const invalid = "InvalidParameterValueException"
	f("ResourceConflictException", "already exist", func(in *FunctionInput) { in.Name = "hello" })
	f(invalid, "name", func(in *FunctionInput) { in.Name = "no spaces" })
	f(invalid, "name", func(in *FunctionInput) { in.Name = "../../etc" })
	f(invalid, "nodejs22.x", func(in *FunctionInput) { in.Runtime = "nodejs22.x" })
	f(invalid, "handler", func(in *FunctionInput) { in.Handler = "" })
	f(invalid, "role", func(in *FunctionInput) { in.Role = "" })
	f(invalid, "sparc", func(in *FunctionInput) { in.Architecture = "sparc" })
	f(invalid, "64 MB", func(in *FunctionInput) { in.MemorySize = 64 })
	f(invalid, "timeout", func(in *FunctionInput) { in.Timeout = 901 * time.Second })
	f(invalid, "timeout", func(in *FunctionInput) { in.Timeout = 1500 * time.Millisecond })
	f(invalid, "Reserved keys used in this request: AWS_REGION, _HANDLER", func(in *FunctionInput) {
		in.Environment = map[string]string{"_HANDLER": "x", "AWS_REGION": "y"}
	})
	f(invalid, "4KB", func(in *FunctionInput) { in.Environment = map[string]string{"BIG": strings.Repeat("x", 4094)} })
	f(invalid, "environment variable", func(in *FunctionInput) { in.Environment = map[string]string{"A=B": ""} })
	f(invalid, "source for function code", func(in *FunctionInput) { in.Code = Code{} })
	f(invalid, "S3 is not available", func(in *FunctionInput) { in.Code = Code{S3Bucket: "b", S3Key: "k"} })
	f("RequestEntityTooLargeException", "52428800", func(in *FunctionInput) { in.Code.ZipFile = make([]byte, 50<<20+1) })
	if got := len(s.Functions()); got != 1 {
		t.Errorf("%d functions, want 1", got)
	}
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	f := func(in, name, qualifier string) {
		t.Helper()
		if n, q := splitName(in); n != name || q != qualifier {
			t.Errorf("%s: %q %q, want %q %q", in, n, q, name, qualifier)
		}
	}
	f("hello", "hello", "")
	f("hello:$LATEST", "hello", "$LATEST")
	f("000000000000:function:hello", "hello", "")
	f("function:hello:7", "hello", "7")
	f("arn:aws:lambda:us-east-1:000000000000:function:hello:prod", "hello", "prod")
	f("myfunction:1", "myfunction", "1")
	f("", "", "")
}

// A name of another account, region or service is not taken for one of ours.
func TestNamesOfOthers(t *testing.T) {
	t.Parallel()
	s := &Service{cfg: Config{Region: "us-east-1", Account: "000000000000"}}
	for name, want := range map[string]bool{
		"hello": true, "hello:1": true, "function:hello": true, "000000000000:function:hello:prod": true, "us-east-1:000000000000:function:hello": true,
		"arn:aws:lambda:us-east-1:000000000000:function:hello": true, "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST": true,
		"arn:aws:lambda:eu-west-1:000000000000:function:hello": false, "arn:aws:lambda:us-east-1:999999999999:function:hello": false,
		"arn:aws:sqs:us-east-1:000000000000:function:hello": false, "999999999999:function:hello": false, "garbage:function:hello": false,
	} {
		if s.here(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	const gateway, api = "apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:000000000000:abc/*/GET/hello"
	p := Permission{StatementID: "one", Action: "lambda:InvokeFunction", Principal: gateway, SourceARN: api}
	if err := s.AddPermission("hello", p); err != nil {
		t.Fatal(err)
	}
	if e := awsproto.From(s.AddPermission("hello", p)); e.Code != "ResourceConflictException" {
		t.Errorf("the same statement again: %v", e)
	}
	f := func(principal, source string, want bool) {
		t.Helper()
		_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Principal: principal, SourceARN: source})
		if got := err == nil; got != want {
			t.Errorf("%s %s: %v", principal, source, err)
		}
	}
	f(gateway, "arn:aws:execute-api:us-east-1:000000000000:abc/$default/GET/hello", true)
	f(gateway, "arn:aws:execute-api:us-east-1:000000000000:other/$default/GET/hello", false)
	f("s3.amazonaws.com", "arn:aws:execute-api:us-east-1:000000000000:abc/$default/GET/hello", false)
	if err := s.RemovePermission("hello", "one"); err != nil {
		t.Fatal(err)
	}
	f(gateway, "arn:aws:execute-api:us-east-1:000000000000:abc/$default/GET/hello", false)
	if e := awsproto.From(s.RemovePermission("hello", "one")); e.Code != "ResourceNotFoundException" {
		t.Errorf("removing what is not there: %v", e)
	}
	// A policy changes nothing for the environments.
	if got := stats(t, s, "hello").Started; got != 1 {
		t.Errorf("%d environments were started", got)
	}
}
