package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Plan is what converging a stack would do.
type Plan struct {
	Stack string `json:"stack"`
	// Action is create, update or none.
	Action  string   `json:"action"`
	Changes []Change `json:"changes,omitempty"`
	// Note says what a person should know beside the changes.
	Note string `json:"note,omitempty"`

	set string // the change set; "" if there is none
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
// waited for. A failure is a *StackError.
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
	stack, err := d.describe(ctx, name)
	switch {
	case err != nil || stack == nil:
		return err
	case stack.StackStatus == types.StackStatusReviewInProgress: // no change set was executed yet
		return nil
	case onlyDeletable(stack.StackStatus):
		return d.Delete(ctx, name)
	case stack.StackStatus == types.StackStatusUpdateRollbackFailed:
		return &StackError{Stack: name, Status: string(stack.StackStatus), Reason: "its last update could not be rolled back, and until somebody continues that it cannot be updated"}
	case inProgress(stack.StackStatus):
		if err := d.settleQuietly(ctx, name, stack.StackStatus); err != nil {
			return err
		}
		return d.clear(ctx, name)
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
	p := &Plan{Stack: s.Name, Action: ActionUpdate}
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

// discard takes a plan back: its change set and, where it would have created the stack, that one in
// REVIEW_IN_PROGRESS, which CloudFormation makes for the change set to belong to.
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
	if err != nil || stack == nil || stack.StackStatus != types.StackStatusReviewInProgress {
		return err
	}
	if _, err := d.cloudformation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &p.Stack}); err != nil {
		return fmt.Errorf("deleting stack %s, which was made for the change set alone: %w", p.Stack, err)
	}
	return nil
}

// execute carries a plan out and waits until the stack has come to rest.
func (d *Deployer) execute(ctx context.Context, p *Plan) error {
	d.events(StackStarted{Stack: p.Stack, Action: p.Action, Changes: p.Changes})
	tail, err := d.tail(ctx, p.Stack, p.Stack)
	if err != nil {
		return err
	}
	if _, err := d.cloudformation.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &p.set, StackName: &p.Stack}); err != nil {
		return fmt.Errorf("executing the change set of stack %s: %w", p.Stack, err)
	}
	if err := d.settle(ctx, tail); err != nil {
		return interrupted(ctx, err, p.Stack, p.Action)
	}
	return nil
}

// DryRun tells what Converge would do, and leaves nothing behind. among are the stacks that would be
// converged before: CloudFormation cannot plan a stack that imports from one that is not there yet, so of
// such a stack every resource of its template is told, as all of them would be made.
func (d *Deployer) DryRun(ctx context.Context, s ephor.Stack, among []*Plan) (*Plan, error) {
	stack, err := d.describe(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	exists := stack != nil && stack.StackStatus != types.StackStatusReviewInProgress
	switch {
	case exists && inProgress(stack.StackStatus):
		return nil, &StackError{Stack: s.Name, Status: string(stack.StackStatus), Reason: "somebody is changing it, so what is left to change is not known"}
	case exists && onlyDeletable(stack.StackStatus):
		return &Plan{Stack: s.Name, Action: ActionCreate, Changes: additions(s),
			Note: "it is " + string(stack.StackStatus) + ", so it would be deleted first"}, nil
	case exists && stack.StackStatus == types.StackStatusUpdateRollbackFailed:
		return nil, d.clear(ctx, s.Name)
	}
	if lower := notYet(s, among); lower != "" && !exists {
		return &Plan{Stack: s.Name, Action: ActionCreate, Changes: additions(s),
			Note: "it imports from " + lower + ", which is not there yet; so this is its template, not CloudFormation's plan"}, nil
	}
	p, err := d.plan(ctx, s)
	if err != nil {
		return nil, err
	}
	return p, d.discard(ctx, p)
}

// notYet is the stack among those planned that s imports from and that is only going to be created.
func notYet(s ephor.Stack, among []*Plan) string {
	_, names, err := cfn.References(s.Name, s.Template)
	if err != nil {
		return "" // creating the change set tells it better
	}
	for _, p := range among {
		// An export of ours begins with its stack's name.
		if p.Action == ActionCreate && slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, p.Stack) }) {
			return p.Stack
		}
	}
	return ""
}

func additions(s ephor.Stack) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(s.Template.Resources)) {
		changes = append(changes, Change{Action: string(types.ChangeActionAdd), LogicalID: id, Type: s.Template.Resources[id].Type})
	}
	return changes
}

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

// parameters are those that are given and, of a stack that exists, those that it keeps: left out, they would go
// back to their defaults.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html
func parameters(s ephor.Stack, stack *types.Stack) []types.Parameter {
	had := map[string]bool{}
	if stack != nil {
		for _, p := range stack.Parameters {
			had[aws.ToString(p.ParameterKey)] = true
		}
	}
	var out []types.Parameter
	for _, k := range slices.Sorted(maps.Keys(s.Template.Parameters)) {
		value, given := s.Parameters[k]
		switch {
		case given:
			out = append(out, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(value)})
		case had[k]:
			out = append(out, types.Parameter{ParameterKey: aws.String(k), UsePreviousValue: aws.Bool(true)})
		}
	}
	return out
}
