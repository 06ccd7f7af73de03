package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// What a person can mend has a hint that says how, in one line.
func TestDeployError(t *testing.T) {
	t.Parallel()
	p := &program{app: ephor.New("Shop")}
	api := func(code string) error {
		return fmt.Errorf("describing stack Shop: %w", &smithy.OperationError{Err: &smithy.GenericAPIError{Code: code, Message: "no"}})
	}
	f := func(want, hint string, t0 string, err error) {
		t.Helper()
		err = p.deployError(target{name: t0}, err)
		var e *Error
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || status(err) != 1 {
			t.Errorf("%v, want %q", err, want)
		}
		if errors.As(err, &e) != (hint != "") || e != nil && !strings.Contains(e.Hint, hint) {
			t.Errorf("%v: hint %+v, want %q", err, e, hint)
		}
	}
	f("ExpiredToken: no", "fresh credentials", "aws", api("ExpiredToken"))
	f("InvalidClientTokenId: no", "other credentials", "aws", api("InvalidClientTokenId"))
	f("AccessDenied: no", "credentials that may", "aws", api("AccessDenied"))
	f("ValidationError: no", "", "aws", api("ValidationError"))
	f("is not running", "up, in another terminal", "laptop", fmt.Errorf("describing: %w", syscall.ECONNREFUSED))
	f("goes on to create stack Shop", "same command again, which waits for that and goes on; or status --target aws, which", "aws", &deploy.InterruptedError{Stack: "Shop", Action: "create", Err: context.Canceled})
	f("goes on to delete stack Shop", "same command again, which waits for that and goes on; or status --target aws, which", "aws", &deploy.InterruptedError{Stack: "Shop", Action: "delete", Err: context.Canceled})
	f("goes on to update stack Shop", "; or status, which", "laptop", &deploy.InterruptedError{Stack: "Shop", Action: "update", Err: context.Canceled})
	f("Shop has termination protection", "--no-enable-termination-protection --stack-name Shop", "aws", &deploy.ProtectedError{Stack: "Shop"})
	f("Other imports from it", "deleting Other first", "aws", &deploy.InUseError{Stack: "Shop", Exports: []deploy.ExportState{{Importers: []string{"Other"}}}})
	f("nothing of it under way", "", "aws", fmt.Errorf("building: %w", context.Canceled))
	f("more than code differs", "without --fast", "aws", &deploy.MoreThanCodeError{Stack: "Shop", Parts: []string{"Resources.X"}})
	f("resource R", "another name for it", "aws", &deploy.StackError{Stack: "Shop", Resource: "R", Reason: "Thing already exists", Status: "ROLLBACK_COMPLETE"})
	f("bucket b", "head-bucket --bucket b", "aws", &deploy.BucketError{Bucket: "b", Reason: "taken"})
	var hint *Error
	at := target{name: "aws", region: "eu-west-1", profile: "shop"}
	if err := p.deployError(at, &deploy.InterruptedError{Stack: "Shop", Action: "delete", Err: context.Canceled}); !errors.As(err, &hint) ||
		!strings.Contains(hint.Hint, "status --target aws --region eu-west-1 --profile shop, which") {
		t.Errorf("%+v", hint)
	}
	if err := p.deployError(target{name: "aws"}, nil); err != nil {
		t.Error(err)
	}
	for _, where := range []string{"aws", "laptop"} {
		raw := fmt.Errorf("creating a change set for stack Shop: %w", &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "CreateChangeSet",
			Err: fmt.Errorf("https response error StatusCode: 400, RequestID: 1-2, %w", &smithy.GenericAPIError{Code: "LimitExceededException", Message: "too many"})})
		if err := p.deployError(target{name: where}, raw); err.Error() != "creating a change set for stack Shop: LimitExceededException: too many" {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// Whatever is printed as a command of the aws CLI's is about the place that the command before it was about: of the
// laptop's, no command may reach an account on AWS.
func TestCommandsNameTheirPlace(t *testing.T) {
	t.Parallel()
	p := &program{app: ephor.New("Shop")}
	errs := map[string]error{
		"update-termination-protection": &deploy.ProtectedError{Stack: "Shop"},
		"continue-update-rollback":      &deploy.StackError{Stack: "Shop", Status: "UPDATE_ROLLBACK_FAILED"},
		"delete-stack":                  &deploy.StackError{Stack: "Shop", Status: "DELETE_FAILED", Resource: "R"},
		"head-bucket":                   &deploy.BucketError{Bucket: "b"},
	}
	for _, f := range []struct {
		place string
		at    target
	}{
		{" --endpoint-url http://127.0.0.1:4566 --region us-east-1", target{name: targetLaptop, endpoint: "http://127.0.0.1:4566"}},
		{" --region eu-west-1 --profile shop", target{name: targetAWS, region: "eu-west-1", profile: "shop"}},
	} {
		for command, err := range errs {
			var e *Error
			if !errors.As(p.deployError(f.at, err), &e) || !strings.Contains(e.Hint, command) || !strings.Contains(e.Hint, f.place) {
				t.Errorf("%s: %+v, want %q", command, e, f.place)
			}
		}
		if text := monitor.Login(map[string]string{"GrafanaSecret": "arn"}, f.at.place(), ""); !strings.Contains(text, "get-secret-value --secret-id arn") || !strings.Contains(text, f.place) {
			t.Errorf("%s", text)
		}
	}
	// An instance is a record on the laptop: it has no log to look at.
	unsignalled := func() *deploy.StackError {
		return &deploy.StackError{Stack: "Shop", Resource: "Wait", Host: "i-1", Reason: "WaitCondition timed out."}
	}
	for at, logged := range map[string]bool{targetLaptop: false, targetAWS: true} {
		var e *Error
		if !errors.As(p.deployError(target{name: at}, unsignalled()), &e) || strings.Contains(e.Hint, "get-console-output") != logged {
			t.Errorf("%s: %+v", at, e)
		}
	}
}
