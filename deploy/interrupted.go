package deploy

import (
	"context"
	"fmt"
	"time"
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
	Action string // create, update or delete
	Err    error  // why nobody waits
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("interrupted: CloudFormation goes on to %s stack %s by itself", e.Action, e.Stack)
}

func (e *InterruptedError) Unwrap() error { return e.Err }

// ending is a context for what has to be put in order even when ctx has ended.
func ending(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}
