// Package awstest has tests ask an endpoint as AWS's clients do: it finds the AWS CLI and boto3, and runs them and
// the SDK so that they know that endpoint and nothing else.
package awstest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
)

// Program is the aws that a shell would run, of version 1 or 2. Without one the test is skipped.
func Program(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("aws is not installed: apt-get install awscli")
	}
	return program
}

// Version2 is an aws of version 2, which Debian has, while pip's, of version 1, often stands before it
// in PATH. Without one the test is skipped.
func Version2(t testing.TB) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin", "/usr/local/bin") {
		program, err := exec.LookPath(filepath.Join(dir, "aws"))
		if err != nil {
			continue
		}
		// One that cannot say its version, such as a manager's placeholder for it, is of none.
		if out, err := exec.Command(program, "--version").CombinedOutput(); err == nil && bytes.HasPrefix(out, []byte("aws-cli/2.")) {
			return program
		}
	}
	t.Skip("aws of version 2 is not installed: apt-get install awscli")
	return ""
}

// Command is a call of the CLI. It has credentials that everybody accepts who accepts any, neither profiles nor
// the metadata of a machine, and tells times in ISO 8601, as only version 2 does by itself. The endpoint
// is an argument, because AWS_ENDPOINT_URL is only known since 2.13.
func Command(t testing.TB, program, endpoint string, args ...string) *exec.Cmd {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\ncli_timestamp_format = iso8601\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, append([]string{"--endpoint-url", endpoint, "--region", "us-east-1", "--output", "json"}, args...)...)
	c.Env = environment(config)
	return c
}

// CLI runs commands of one of the CLI's services, such as sns, each of which must succeed and print want. Without
// the CLI the test is skipped.
func CLI(t testing.TB, endpoint, service string) func(want string, args ...string) {
	t.Helper()
	program := Program(t)
	return func(want string, args ...string) {
		t.Helper()
		c := Command(t, program, endpoint, append([]string{service}, args...)...)
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("aws %s %s: %v, want %q\n%s", service, strings.Join(args, " "), err, want, out)
		}
	}
}

// Boto3 is a program in Python that may use boto3, with the same credentials and the arguments in sys.argv.
// Without boto3 the test is skipped.
func Boto3(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	c := exec.CommandContext(t.Context(), python, append([]string{"-c", program}, args...)...)
	c.Env = append(environment(os.DevNull), "AWS_DEFAULT_REGION=us-east-1")
	return c
}

// Refused holds that an SDK's call was refused with a code, and a message that says text.
func Refused(t testing.TB, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("%v, want %s and %q", err, code, text)
	}
}

// Must ends the test where an SDK's call that must succeed was refused.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Serve serves a service of the laptop's until the test has ended, and closes it then. It returns the endpoint.
func Serve(t testing.TB, service interface {
	http.Handler
	io.Closer
}) string {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(func() {
		server.Close()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// Config is an SDK's at an endpoint, with the same credentials.
func Config(endpoint string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
}

// environment is one that knows no account.
func environment(config string) []string {
	return append(os.Environ(), "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_CONFIG_FILE="+config, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
}
