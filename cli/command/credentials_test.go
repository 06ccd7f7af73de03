package command

import (
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/deploy"
)

// awsHome is a home folder with this configuration of AWS, and nothing of the machine's own.
func awsHome(t *testing.T, config string) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	path := filepath.Join(home, ".aws", "config")
	if err := os.MkdirAll(filepath.Join(home, ".aws", "sso", "cache"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return home
}

// A session of single sign-on that has expired, or that nobody has begun, is one line with its remedy, in both
// of the forms in which a profile names it.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
func TestSingleSignOn(t *testing.T) {
	const start = "https://example.awsapps.com/start"
	home := awsHome(t, `[profile old]
sso_start_url = `+start+`
sso_region = eu-central-1
sso_account_id = 123456789012
sso_role_name = Developer
region = eu-central-1

[profile new]
sso_session = work
sso_account_id = 123456789012
sso_role_name = Developer
region = eu-central-1

[sso-session work]
sso_start_url = `+start+`
sso_region = eu-central-1
`)
	check := func(profile, want, hint string) {
		t.Helper()
		p, _, stderr := shopProgram("Handle")
		_, err := p.config(t.Context(), target{name: targetAWS, profile: profile})
		p.explain(err)
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "error: "+want) || !strings.Contains(lines[1], hint) {
			t.Errorf("profile %s:\n%s", profile, stderr)
		}
	}
	const want = "AWS's single sign-on has no session for this profile, or one that has expired"
	for _, profile := range []string{"old", "new"} {
		check(profile, want, "aws sso login --profile "+profile)
	}
	for profile, key := range map[string]string{"old": start, "new": "work"} {
		token := filepath.Join(home, ".aws", "sso", "cache", fmt.Sprintf("%x.json", sha1.Sum([]byte(key))))
		if err := os.WriteFile(token, []byte(`{"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z", "startUrl": "`+start+`", "region": "eu-central-1"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		check(profile, want, "aws sso login --profile "+profile)
	}
}

// An AWS that does not answer is one line with what to look at.
func TestAWSCannotBeReached(t *testing.T) {
	awsHome(t, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	p, _, stderr := shopProgram("Handle")
	where := target{name: targetAWS}
	config, err := p.config(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	_, err = deploy.New(deploy.Config{AWS: config}).State(t.Context(), "Shop")
	p.explain(p.reached(where, err))
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "error: AWS cannot be reached: dial tcp 127.0.0.1:") || !strings.Contains(lines[1], "AWS_ENDPOINT_URL") {
		t.Errorf("%s", stderr)
	}
}

// standIn makes server the AWS that the SDK finds, with credentials.
func standIn(t *testing.T, server *httptest.Server) {
	t.Helper()
	awsHome(t, "")
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"} {
		t.Setenv(name, value)
	}
}

// A token that has expired is one line with its remedy, in the forms in which the services of each command say so.
//
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html,
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html
func TestATokenThatHasExpired(t *testing.T) {
	const message = "The security token included in the request is expired"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Amz-Target") != "": // CloudWatch Logs
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type": "ExpiredTokenException", "message": "`+message+`"}`)
		case strings.HasSuffix(r.URL.Path, "/Shop-Logged/configuration"):
			_, _ = io.WriteString(w, `{}`)
		default: // Lambda
			w.Header().Set("X-Amzn-ErrorType", "ExpiredTokenException")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message": "`+message+`"}`)
		}
	}))
	defer server.Close()
	standIn(t, server)
	for _, args := range [][]string{{"logs", "Handle"}, {"logs", "Logged"}, {"logs", "Handle", "--follow"}, {"invoke", "Handle"}, {"invoke", "Handle", "--async"}} {
		p, stdout, stderr := shopProgram("Handle", "Logged")
		status := p.run(t.Context(), append(args, "--target", "aws"))
		want := "error: ExpiredTokenException: " + message + "\n  try: fresh credentials: aws sso login, or whatever gave these\n"
		if status != 1 || stdout.Len() > 0 || stderr.String() != want {
			t.Errorf("%q: status %d, %s%s", args, status, stdout, stderr)
		}
	}
}

// What cannot be a region's name is told before anything is asked or built.
func TestWhatIsNoRegion(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked", r.URL) }))
	defer server.Close()
	standIn(t, server)
	for region, is := range map[string]bool{"us east": false, "eu-central-1.": false, "-": false, "EU-central-1": false, strings.Repeat("a", 64): false,
		"eu-central-1": true, "us-gov-west-1": true, "eusc-de-east-1": true, "mars": true} {
		p, _, stderr := shopProgram("Handle")
		_, err := p.config(t.Context(), target{name: targetAWS, region: region})
		if is {
			if err != nil {
				t.Errorf("%s: %v", region, err)
			}
			continue
		}
		p.explain(err)
		if lines := strings.Split(strings.TrimSpace(stderr.String()), "\n"); len(lines) != 2 || lines[0] != fmt.Sprintf("error: %q is no name of a region of AWS", region) || !strings.HasPrefix(lines[1], "  try: --region eu-central-1") {
			t.Errorf("%s:\n%s", region, stderr)
		}
	}
}
