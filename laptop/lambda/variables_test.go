package lambda

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// variablesOf is what an environment's process has found at its start.
func variablesOf(t *testing.T, s *Service) (got map[string]string, out InvokeOutput) {
	t.Helper()
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"variables"}`)})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(out.Payload, &list); err != nil {
		t.Fatal(err)
	}
	got = map[string]string{}
	for _, v := range list {
		k, v, _ := strings.Cut(v, "=")
		got[k] = v
	}
	return got, out
}

// TestEnvironmentVariables: exactly those that Lambda sets for an OS-only runtime, and nothing of this
// process's. See https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func TestEnvironmentVariables(t *testing.T) {
	t.Setenv("LEAK", "yes") // which is why this test is not parallel
	s := open(t, Config{Region: "eu-west-1", Account: "123456789012", EndpointURL: "http://127.0.0.1:4566"})
	f := create(t, s, hello(t, func(in *FunctionInput) { in.Environment = map[string]string{"MINE": "1", "TZ": "Europe/Athens"} }))
	got, out := variablesOf(t, s)
	if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(got["AWS_LAMBDA_LOG_STREAM_NAME"]) {
		t.Errorf("log stream %q", got["AWS_LAMBDA_LOG_STREAM_NAME"])
	}
	if !strings.HasPrefix(got["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:") {
		t.Errorf("Runtime API at %q", got["AWS_LAMBDA_RUNTIME_API"])
	}
	if !isUUID(got["AWS_LAMBDA_METADATA_TOKEN"]) {
		t.Errorf("the metadata's token is %q", got["AWS_LAMBDA_METADATA_TOKEN"])
	}
	root := s.code.path(f.CodeSHA256)
	want := map[string]string{
		// Reserved: a function's configuration may not have them.
		"_HANDLER":                        "HelloWorld",
		"_AWS_XRAY_DAEMON_ADDRESS":        "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",
		"AWS_REGION":                      "eu-west-1",
		"AWS_DEFAULT_REGION":              "eu-west-1",
		"AWS_LAMBDA_FUNCTION_NAME":        "hello",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/hello",
		"AWS_LAMBDA_LOG_STREAM_NAME":      got["AWS_LAMBDA_LOG_STREAM_NAME"],
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_RUNTIME_API":          got["AWS_LAMBDA_RUNTIME_API"],
		"AWS_LAMBDA_METADATA_API":         got["AWS_LAMBDA_RUNTIME_API"],
		"AWS_LAMBDA_METADATA_TOKEN":       got["AWS_LAMBDA_METADATA_TOKEN"],
		"AWS_ACCESS_KEY_ID":               "ephor",
		"AWS_SECRET_ACCESS_KEY":           "ephor",
		"AWS_SESSION_TOKEN":               "ephor",
		"LAMBDA_TASK_ROOT":                root,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		// Not reserved.
		"LANG":                     "en_US.UTF-8",
		"TZ":                       "Europe/Athens", // the configuration's
		"PATH":                     "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":          "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:" + root + ":" + root + "/lib:/opt/lib",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":  "127.0.0.1:2000",
		"AWS_LAMBDA_LOG_FORMAT":    "Text",
		// Ours.
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
		"MINE":             "1",
		"_X_AMZN_TRACE_ID": out.TraceID, // aws-lambda-go's doing
	}
	if s.spawner.namespaces == nil {
		want["TMPDIR"] = got["TMPDIR"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestVariablesByConfiguration: what each setting adds, and nothing else.
func TestVariablesByConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*FunctionInput)
		want map[string]string
	}{
		"as it is": {func(*FunctionInput) {}, map[string]string{"TZ": ":UTC"}},
		"logs as JSON": {func(in *FunctionInput) {
			in.Logging = Logging{Format: "JSON", ApplicationLevel: "ERROR", SystemLevel: "WARN"}
		},
			map[string]string{"TZ": ":UTC", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "ERROR"}},
		"logs as JSON with the default level": {func(in *FunctionInput) { in.Logging = Logging{Format: "JSON"} },
			map[string]string{"TZ": ":UTC", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}},
		"Managed Instances": {func(in *FunctionInput) {
			onManagedInstances(7)(in)
		}, map[string]string{"TZ": ":UTC", "AWS_LAMBDA_MAX_CONCURRENCY": "7", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO",
			"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"}},
		"what is not reserved": {func(in *FunctionInput) {
			in.Environment = map[string]string{"PATH": "/bin", "LANG": "C", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:1"}
		}, map[string]string{"TZ": ":UTC", "PATH": "/bin", "LANG": "C", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:1"}},
	} {
		s := open(t, Config{})
		create(t, s, hello(t, c.edit))
		got, _ := variablesOf(t, s)
		for k, v := range c.want {
			if got[k] != v {
				t.Errorf("%s: %s=%s, want %s", name, k, got[k], v)
			}
		}
		for _, k := range []string{"AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_ENDPOINT_URL", "AWS_EXECUTION_ENV"} {
			if _, wanted := c.want[k]; !wanted && got[k] != "" {
				t.Errorf("%s: %s=%s", name, k, got[k])
			}
		}
	}
}
