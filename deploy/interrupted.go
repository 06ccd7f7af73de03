package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// interrupted makes err one that says what goes on, if it is because ctx has ended.
func interrupted(ctx context.Context, err error, stack, action string) error {
	if ctx.Err() == nil {
		return err
	}
	return &InterruptedError{Stack: stack, Action: action, Err: context.Cause(ctx)}
}

// InterruptedError is a change that goes on although nobody waits for it any more.
type InterruptedError struct {
	Stack  string
	Action string // create, update, delete or roll back
	Err    error  // why nobody waits
	// Unsure says that CloudFormation was asked for the change and has not answered.
	Unsure bool
}

func (e *InterruptedError) Error() string {
	if e.Unsure {
		return fmt.Sprintf("interrupted: CloudFormation was asked to %s stack %s and has not answered; it may have begun", e.Action, e.Stack)
	}
	return fmt.Sprintf("interrupted: CloudFormation goes on to %s stack %s by itself", e.Action, e.Stack)
}

func (e *InterruptedError) Unwrap() error { return e.Err }

// ending is a context for what has to be put in order even when ctx has ended.
func ending(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}

// answerTime is how long a call that begins something is waited for when nobody waits for what it begins.
const answerTime = 10 * time.Second

// begin makes a call that lets CloudFormation begin to change a stack. It is not broken off with ctx, because then
// nobody would know what has come of it, but answerTime later, which is an *InterruptedError that says so.
func begin(ctx context.Context, stack, action string, call func(context.Context) error) error {
	calling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-calling.Done():
		case <-time.After(answerTime):
			cancel()
		}
	})()
	err := call(calling)
	if err != nil && calling.Err() != nil {
		return &InterruptedError{Stack: stack, Action: action, Err: context.Cause(ctx), Unsure: true}
	}
	return err
}

// goingOn is the action of a stack in a status that ends in _IN_PROGRESS.
func goingOn(s types.StackStatus) string {
	switch {
	case strings.Contains(string(s), "ROLLBACK"):
		return "roll back"
	case s == types.StackStatusCreateInProgress:
		return ActionCreate
	case s == types.StackStatusDeleteInProgress:
		return ActionDelete
	}
	return ActionUpdate
}
