package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor"
)

// Plan is what converging a stack would do.
type Plan struct {
	Stack string `json:"stack"`
	// Action is create, update or none.
	Action  string   `json:"action"`
	Changes []Change `json:"changes,omitempty"`
	// Note says what a person should know beside the changes.
	Note string `json:"note,omitempty"`

	set     string   // the change set; "" if there is none
	made    bool     // there was no stack before the change set
	exports []string // what the stack would export, as far as its template alone tells
}

// The actions of a plan.
const (
	ActionCreate = "create"
	ActionUpdate = "update"
	ActionDelete = "delete"
	ActionNone   = "none"
)

// Converge makes the stack what its template says, by a change set, and returns when it is so.
// A stack that nothing changes in is a success. A stack that could not be created or deleted at
// the last try, and so can only be deleted, is deleted first; what somebody else is doing to it is
// waited for. A failure is a *StackError; where what has to be deleted may not be, it is Delete's error.
func (d *Deployer) Converge(ctx context.Context, s ephor.Stack) (Result, error) {
	start := time.Now()
	if err := d.clear(ctx, s.Name); err != nil {
		return Result{}, err
	}
	plan, err := d.plan(ctx, s)
	if err != nil {
		return Result{}, err
	}
	if plan.set != "" {
		if err := d.execute(ctx, plan); err != nil {
			return Result{}, err
		}
	}
	stack, err := d.describe(ctx, s.Name)
	if err != nil {
		return Result{}, err
	}
	if stack == nil {
		return Result{}, fmt.Errorf("stack %s is gone: somebody deleted it meanwhile", s.Name)
	}
	unchanged := plan.Action == ActionNone
	d.events(StackDone{Stack: s.Name, Unchanged: unchanged, Took: time.Since(start)})
	return Result{Outputs: outputs(stack), Unchanged: unchanged}, nil
}

// clear takes away what stands in the way of a change set.
func (d *Deployer) clear(ctx context.Context, name string) error {
	stack, err := d.atRest(ctx, name, underWay)
	switch {
	case err != nil || stack == nil:
		return err
	case onlyDeletable(stack.StackStatus):
		return d.Delete(ctx, name)
	case stack.StackStatus == types.StackStatusUpdateRollbackFailed:
		return &StackError{Stack: name, Status: string(stack.StackStatus), Reason: "its last update could not be rolled back, and until somebody continues that it cannot be updated"}
	}
	return nil
}

// onlyDeletable: such a stack holds what a failed creation or deletion has left.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func onlyDeletable(s types.StackStatus) bool {
	return s == types.StackStatusRollbackComplete || s == types.StackStatusRollbackFailed ||
		s == types.StackStatusCreateFailed || s == types.StackStatusDeleteFailed
}

// plan makes the change set of a stack that is ready for one.
func (d *Deployer) plan(ctx context.Context, s ephor.Stack) (*Plan, error) {
	stack, err := d.describe(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	p := &Plan{Stack: s.Name, Action: ActionUpdate, made: stack == nil}
	if stack == nil || stack.StackStatus == types.StackStatusReviewInProgress {
		p.Action, stack = ActionCreate, nil
	}
	if p.set, err = d.createChangeSet(ctx, s, stack); err != nil {
		return nil, err
	}
	p.Changes, err = d.changes(ctx, s.Name, p.set)
	if err != nil {
		// The stack of a change set that failed is one in REVIEW_IN_PROGRESS, and nobody wants it.
		return nil, errors.Join(err, d.discard(ctx, p))
	}
	if p.Changes == nil {
		p.Action = ActionNone
		return p, d.discard(ctx, p)
	}
	return p, nil
}

// discard takes a plan back: its change set and, where there was no stack before, that one in
// REVIEW_IN_PROGRESS, which CloudFormation makes for the change set to belong to; unless somebody else's change sets
// belong to it, too.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
func (d *Deployer) discard(ctx context.Context, p *Plan) error {
	if p.set == "" {
		return nil
	}
	ctx, cancel := ending(ctx)
	defer cancel()
	if _, err := d.cloudformation.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &p.set, StackName: &p.Stack}); err != nil {
		return fmt.Errorf("deleting the change set of stack %s: %w", p.Stack, err)
	}
	p.set = ""
	stack, err := d.describe(ctx, p.Stack)
	if err != nil || stack == nil || stack.StackStatus != types.StackStatusReviewInProgress || !p.made {
		return err
	}
	others, err := d.cloudformation.ListChangeSets(ctx, &cloudformation.ListChangeSetsInput{StackName: &p.Stack})
	if err != nil {
		return fmt.Errorf("asking for the change sets of stack %s: %w", p.Stack, err)
	}
	if len(others.Summaries) > 0 {
		return nil
	}
	if _, err := d.cloudformation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &p.Stack}); err != nil {
		return fmt.Errorf("deleting stack %s, which was made for the change set alone: %w", p.Stack, err)
	}
	return wait(ctx, func() (done, news bool, err error) {
		stack, err := d.describe(ctx, p.Stack)
		return stack == nil, false, err
	})
}

// execute carries a plan out and waits until the stack has come to rest.
func (d *Deployer) execute(ctx context.Context, p *Plan) error {
	d.events(StackStarted{Stack: p.Stack, Action: p.Action, Changes: p.Changes})
	tail, err := d.tail(ctx, p.Stack, p.Stack)
	if err != nil {
		return errors.Join(err, d.discard(ctx, p))
	}
	err = begin(ctx, p.Stack, p.Action, func(ctx context.Context) error {
		_, err := d.cloudformation.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &p.set, StackName: &p.Stack})
		return err
	})
	if err != nil {
		return fmt.Errorf("executing the change set of stack %s: %w", p.Stack, err)
	}
	if err := d.settle(ctx, tail); err != nil {
		return interrupted(ctx, err, p.Stack, p.Action)
	}
	return nil
}
