package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// service answers calls without a network.
type service func(*http.Request) (status int, body string, err error)

func (s service) Do(r *http.Request) (*http.Response, error) {
	status, body, err := s(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (s service) config() aws.Config {
	return aws.Config{Region: "eu-central-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
}

const throttled = `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`

// cut is an answer whose connection ends after as much of it.
type cut struct {
	io.Reader
	err error
}

func (c cut) Read(b []byte) (int, error) {
	if n, err := c.Reader.Read(b); err == nil {
		return n, nil
	}
	return 0, c.err
}

// An answer that is broken off is asked for again, and what cannot be read for another reason is not.
func TestABrokenAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	f := func(err error, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			s := service(func(*http.Request) (int, string, error) { return 200, stacksAnswer, nil })
			config := s.config()
			config.HTTPClient = aws.HTTPClient(doer(func(r *http.Request) (*http.Response, error) {
				resp, rerr := s.Do(r)
				if calls++; calls == 1 {
					resp.Body = io.NopCloser(cut{strings.NewReader(stacksAnswer[:40]), err})
				}
				return resp, rerr
			}))
			if _, err := deploy.New(deploy.Config{AWS: config}).State(t.Context(), "Shop"); calls != want || (err == nil) != (want > 1) {
				t.Errorf("%v after %d calls, want %d", err, calls, want)
			}
		})
	}
	f(io.ErrUnexpectedEOF, 2)
	f(&net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}, 2)
	f(errors.New("no XML"), 1)
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

const stacksAnswer = `<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`

func TestThrottlingIsWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := service(func(*http.Request) (int, string, error) {
			if calls++; calls <= 20 {
				return 400, throttled, nil
			}
			return 200, stacksAnswer, nil
		})
		start := time.Now()
		state, err := deploy.New(deploy.Config{AWS: s.config()}).State(t.Context(), "Shop")
		if err != nil || state.Status != "" || calls != 21 {
			t.Errorf("%+v, %v after %d calls", state, err, calls)
		}
		if waited := time.Since(start); waited > 20*20*time.Second {
			t.Errorf("it waited for %s, which is more than 20 s a time", waited)
		}
	})
}

// All else is tried as often as the SDK would.
func TestOtherErrorsAreNotWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := service(func(*http.Request) (int, string, error) { calls++; return 0, "", syscall.ECONNREFUSED })
		_, err := deploy.New(deploy.Config{AWS: s.config()}).State(t.Context(), "Shop")
		if !errors.Is(err, syscall.ECONNREFUSED) || calls != 3 {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
}

// An artifact bucket that is not ours is neither read nor written.
func TestABucketOfSomebodyElse(t *testing.T) {
	t.Parallel()
	const whoami = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`
	f := func(want string, head, create int, code string) {
		t.Helper()
		s := service(func(r *http.Request) (int, string, error) {
			switch {
			case strings.HasPrefix(r.URL.Host, "sts."):
				return 200, whoami, nil
			case r.Method == http.MethodHead:
				if owner := r.Header.Get("x-amz-expected-bucket-owner"); owner != "111122223333" {
					t.Errorf("%s expects the owner %q", r.URL, owner)
				}
				return head, "", nil
			case r.Method == http.MethodPut:
				return create, "<Error><Code>" + code + "</Code><Message>no</Message></Error>", nil
			}
			t.Errorf("%s %s", r.Method, r.URL)
			return 500, "", nil
		})
		d := deploy.New(deploy.Config{AWS: s.config()})
		_, err := d.Upload(t.Context(), &deploy.Package{App: "Shop", Key: "Shop/1.zip"})
		var bucket *deploy.BucketError
		if !errors.As(err, &bucket) || bucket.Bucket != "ephor-shop-111122223333-eu-central-1" || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("not this account's", 403, 0, "")
	f("somebody else has a bucket of that name", 404, 409, "BucketAlreadyExists")
}

func TestBucketNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, app := range []string{"A", "Shop", strings.Repeat("Long-", 20), strings.Repeat("Long-", 19), "a-----------------------------b"} {
		name := (&deploy.Package{App: app}).Code().Bucket
		name = strings.NewReplacer("${AWS::AccountId}", "123456789012", "${AWS::Region}", "ap-southeast-1").Replace(name)
		if len(name) > 63 || strings.ToLower(name) != name || strings.Contains(name, "$") || seen[name] {
			t.Errorf("%s: %s, %d characters", app, name, len(name))
		}
		seen[name] = true
	}
}

// waiting is a stack whose creation takes as long as its wait condition.
func waiting(seconds string) ephor.Stack {
	return ephor.Stack{Name: "Slow", Template: cfn.Template{Resources: map[string]cfn.Resource{
		"Handle": {Type: "AWS::CloudFormation::WaitConditionHandle"},
		"Wait": {Type: "AWS::CloudFormation::WaitCondition", Properties: map[string]any{
			"Handle": cfn.Ref("Handle"), "Timeout": seconds, "Count": 1,
		}},
	}}}
}

// Whoever stops waiting is told what goes on, and the next try waits for that, clears it away and goes on.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	_, config, _ := deployer(t)
	ctx, cancel := context.WithCancel(t.Context())
	var said []string
	d := deploy.New(deploy.Config{AWS: config, Events: func(e deploy.Event) {
		switch e := e.(type) {
		case deploy.ResourceChanged:
			if e.LogicalID == "Wait" {
				cancel()
			}
		case deploy.Waiting, deploy.StackStarted, deploy.StackDone:
			said = append(said, strings.TrimPrefix(fmt.Sprintf("%T", e), "deploy."))
		}
	}})
	_, err := d.Converge(ctx, waiting("2"))
	var gone *deploy.InterruptedError
	if !errors.As(err, &gone) || gone.Stack != "Slow" || gone.Action != "create" || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if _, err := d.DryRun(t.Context(), waiting("2"), nil); err == nil || !strings.Contains(err.Error(), "it is being changed") {
		t.Errorf("a dry run meanwhile: %v", err)
	}
	said = nil
	s := waiting("2")
	delete(s.Template.Resources, "Wait")
	if _, err := d.Converge(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(said, " "); got != "Waiting StackStarted StackDone StackStarted StackDone" {
		t.Errorf("it said %s", got)
	}
}
