package command

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net"
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
