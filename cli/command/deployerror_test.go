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
	f("goes on to create stack Shop", "provision again", "aws", &deploy.InterruptedError{Stack: "Shop", Action: "create", Err: context.Canceled})
	f("goes on to delete stack Shop", "delete again", "aws", &deploy.InterruptedError{Stack: "Shop", Action: "delete", Err: context.Canceled})
	f("nothing of it under way", "", "aws", fmt.Errorf("building: %w", context.Canceled))
	f("more than code differs", "without --fast", "aws", &deploy.MoreThanCodeError{Stack: "Shop", Parts: []string{"Resources.X"}})
	f("resource R", "renaming", "aws", &deploy.StackError{Stack: "Shop", Resource: "R", Reason: "Thing already exists", Status: "ROLLBACK_COMPLETE"})
	f("bucket b", "head-bucket --bucket b", "aws", &deploy.BucketError{Bucket: "b", Reason: "taken"})
	if err := p.deployError(target{name: "aws"}, nil); err != nil {
		t.Error(err)
	}
}
