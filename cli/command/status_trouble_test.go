package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/deploy"
)

// awsWithStacks answers what status asks of AWS: the application's stack, and a monitoring stack in a state and with an address of
// its store. No function has been invoked.
func awsWithStacks(monitoring, storeURL string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".FilterLogEvents") {
			io.WriteString(w, `{"events": []}`)
			return
		}
		switch r.FormValue("Action") {
		case "DescribeStacks":
			name, state, outputs := r.FormValue("StackName"), "CREATE_COMPLETE", ""
			if strings.HasSuffix(name, "-Monitoring") {
				state = monitoring
				if storeURL != "" {
					outputs = "<member><OutputKey>StoreURL</OutputKey><OutputValue>" + storeURL + "</OutputValue></member>"
				}
			}
			fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/%[1]s/1</StackId>`+
				`<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>%s</StackStatus><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, name, state, outputs)
		case "ListExports":
			io.WriteString(w, `<ListExportsResponse><ListExportsResult><Exports/></ListExportsResult></ListExportsResponse>`)
		default: // Lambda, whose function it is not
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"Message": "no function"}`)
		}
	}
}

// status --target aws tells of the stacks whether or not the store does its part.
func TestStatusOnAWSWithoutTheStore(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer closed.Close()
	app, _ := hello()
	for _, f := range []struct {
		name, monitoring, store string
		status                  int
		reason, hint            string
	}{
		{"in review", "REVIEW_IN_PROGRESS", "", 0, "is REVIEW_IN_PROGRESS and tells no address of a store yet", ""},
		{"unreachable", "CREATE_COMPLETE", gone.URL, 1, "asking the store: ", "WritersCIDR"},
		{"another user", "CREATE_COMPLETE", closed.URL, 1, "401 Unauthorized", "EPHOR_STORE_TOKEN"},
	} {
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			server := httptest.NewServer(awsWithStacks(f.monitoring, f.store))
			defer server.Close()
			for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_PROFILE": "", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
				"AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "EPHOR_STORE_TOKEN": ""} {
				t.Setenv(name, value)
			}
			run := func(args ...string) (string, string) {
				t.Helper()
				var stdout, stderr strings.Builder
				p := &program{app: app, stdout: &stdout, stderr: &stderr, state: t.TempDir()}
				if status := p.run(t.Context(), append([]string{"status", "--target", "aws"}, args...)); status != f.status {
					t.Errorf("status %d: %s", status, &stderr)
				}
				return stdout.String(), stderr.String()
			}
			stdout, stderr := run()
			if !strings.Contains(stdout, "SpartaGrafana-Monitoring  "+f.monitoring) || strings.Contains(stdout, "recorded 0 of") {
				t.Errorf("%s", stdout)
			}
			told := stdout
			if f.status != 0 {
				told = stderr
			}
			if !strings.Contains(told, f.reason) || !strings.Contains(told, f.hint) {
				t.Errorf("%s\n%s", stdout, stderr)
			}
			stdout, _ = run("--json")
			var r struct {
				Stacks      []deploy.State
				Unaccounted unaccounted
			}
			if err := json.Unmarshal([]byte(stdout), &r); err != nil {
				t.Fatal(err)
			}
			if len(r.Stacks) != 2 || !strings.Contains(r.Unaccounted.Reason, f.reason) || !strings.Contains(r.Unaccounted.Hint, f.hint) {
				t.Errorf("%+v", r)
			}
		})
	}
}
