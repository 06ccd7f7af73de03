package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/ephor-io/ephor/cfn"
)

// Stack is what a stack shall be.
type Stack struct {
	Name       string
	Template   cfn.Template
	Parameters map[string]string
	Tags       map[string]string
}

// Result is what a stack has become.
type Result struct {
	Outputs   map[string]string
	Unchanged bool
}

// inlineTemplate is the size up to which a template travels within the call.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const inlineTemplate = 51200

// Converge makes the stack what its template says, by a change set, and returns when it is so.
// A stack that nothing changes in is a success. A stack that could not be created or deleted at
// the last try, and so can only be deleted, is deleted first. A failure is a *StackError.
func (d *Deployer) Converge(ctx context.Context, s Stack) (Result, error) {
	start := time.Now()
	kind, err := d.prepare(ctx, s.Name)
	if err != nil {
		return Result{}, err
	}
	set, err := d.createChangeSet(ctx, s, kind)
	if err != nil {
		return Result{}, err
	}
	changes, err := d.changes(ctx, s.Name, set)
	if err != nil {
		return Result{}, err
	}
	unchanged := changes == nil
	if !unchanged {
		action := "update"
		if kind == types.ChangeSetTypeCreate {
			action = "create"
		}
		d.events(StackStarted{Stack: s.Name, Action: action, Changes: changes})
		tail, err := d.tail(ctx, s.Name, s.Name)
		if err != nil {
			return Result{}, err
		}
		if _, err := d.cloudformation.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &set, StackName: &s.Name}); err != nil {
			return Result{}, fmt.Errorf("executing the change set of stack %s: %w", s.Name, err)
		}
		if err := d.settle(ctx, tail); err != nil {
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
	d.events(StackDone{Stack: s.Name, Unchanged: unchanged, Took: time.Since(start)})
	return Result{Outputs: outputs(stack), Unchanged: unchanged}, nil
}

// prepare finds out whether the stack must be created or updated and clears away what stands
// in the way of both.
func (d *Deployer) prepare(ctx context.Context, name string) (types.ChangeSetType, error) {
	stack, err := d.describe(ctx, name)
	switch {
	case err != nil:
		return "", err
	case stack == nil, stack.StackStatus == types.StackStatusReviewInProgress:
		return types.ChangeSetTypeCreate, nil
	case stack.StackStatus == types.StackStatusRollbackComplete, stack.StackStatus == types.StackStatusRollbackFailed,
		stack.StackStatus == types.StackStatusCreateFailed, stack.StackStatus == types.StackStatusDeleteFailed:
		if err := d.Delete(ctx, name); err != nil {
			return "", err
		}
		return types.ChangeSetTypeCreate, nil
	case stack.StackStatus == types.StackStatusUpdateRollbackFailed:
		return "", &StackError{Stack: name, Status: string(stack.StackStatus), Reason: "its last update could not be rolled back, and until somebody continues that it cannot be updated"}
	case inProgress(stack.StackStatus):
		if err := d.settleQuietly(ctx, name); err != nil {
			return "", err
		}
		return d.prepare(ctx, name)
	}
	return types.ChangeSetTypeUpdate, nil
}

func (d *Deployer) createChangeSet(ctx context.Context, s Stack, kind types.ChangeSetType) (string, error) {
	body, err := json.Marshal(s.Template)
	if err != nil {
		return "", fmt.Errorf("encoding the template of stack %s: %w", s.Name, err)
	}
	name := "ephor-" + time.Now().UTC().Format("20060102T150405.000000000")
	name = strings.ReplaceAll(name, ".", "-")
	in := &cloudformation.CreateChangeSetInput{
		StackName:     &s.Name,
		ChangeSetName: &name,
		ChangeSetType: kind,
		Capabilities:  []types.Capability{types.CapabilityCapabilityIam},
	}
	if len(body) <= inlineTemplate {
		in.TemplateBody = aws.String(string(body))
	} else if in.TemplateURL, err = d.uploadTemplate(ctx, s.Name, body); err != nil {
		return "", err
	}
	for _, k := range slices.Sorted(maps.Keys(s.Parameters)) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(s.Parameters[k])})
	}
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(s.Tags[k])})
	}
	out, err := d.cloudformation.CreateChangeSet(ctx, in)
	if err != nil {
		return "", fmt.Errorf("creating a change set for stack %s: %w", s.Name, err)
	}
	return aws.ToString(out.Id), nil
}

// changes waits for the change set and lists what it would do; nil means nothing at all.
func (d *Deployer) changes(ctx context.Context, stack, set string) ([]Change, error) {
	changes := []Change{}
	var out *cloudformation.DescribeChangeSetOutput
	err := wait(ctx, func() (done, news bool, err error) {
		out, err = d.cloudformation.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: &set, StackName: &stack})
		if err != nil {
			return false, false, fmt.Errorf("reading the change set of stack %s: %w", stack, err)
		}
		return out.Status == types.ChangeSetStatusCreateComplete || out.Status == types.ChangeSetStatusFailed, false, nil
	})
	if err != nil {
		return nil, err
	}
	if out.Status == types.ChangeSetStatusFailed {
		if _, err := d.cloudformation.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &set, StackName: &stack}); err != nil {
			return nil, fmt.Errorf("deleting the change set of stack %s: %w", stack, err)
		}
		if nothingToDo(aws.ToString(out.StatusReason)) {
			return nil, nil
		}
		return nil, &StackError{Stack: stack, Status: string(out.Status), Reason: aws.ToString(out.StatusReason)}
	}
	for {
		for _, c := range out.Changes {
			if r := c.ResourceChange; r != nil {
				changes = append(changes, Change{Action: string(r.Action), LogicalID: aws.ToString(r.LogicalResourceId),
					Type: aws.ToString(r.ResourceType), Replacement: string(r.Replacement)})
			}
		}
		if out.NextToken == nil {
			return changes, nil
		}
		out, err = d.cloudformation.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: &set, StackName: &stack, NextToken: out.NextToken})
		if err != nil {
			return nil, fmt.Errorf("reading the change set of stack %s: %w", stack, err)
		}
	}
}

// nothingToDo tells the one failed change set that is a success. CloudFormation says it in these
// two sentences and in no other way; the AWS CLI's deploy command looks for them, too.
func nothingToDo(reason string) bool {
	return strings.Contains(reason, "The submitted information didn't contain changes") ||
		strings.Contains(reason, "No updates are to be performed")
}

// describe is the stack, or nil if there is none.
func (d *Deployer) describe(ctx context.Context, name string) (*types.Stack, error) {
	out, err := d.cloudformation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if missingStack(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describing stack %s: %w", name, err)
	}
	if len(out.Stacks) == 0 || out.Stacks[0].StackStatus == types.StackStatusDeleteComplete {
		return nil, nil
	}
	return &out.Stacks[0], nil
}

// missingStack: a stack that does not exist is a ValidationError like any other; only its
// sentence tells.
func missingStack(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist")
}

func outputs(s *types.Stack) map[string]string {
	m := make(map[string]string, len(s.Outputs))
	for _, o := range s.Outputs {
		m[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return m
}

func inProgress(s types.StackStatus) bool { return strings.HasSuffix(string(s), "_IN_PROGRESS") }

// State is what is known of a stack.
type State struct {
	Name    string            `json:"name"`
	Status  string            `json:"status"` // "" if the stack does not exist
	Reason  string            `json:"reason,omitempty"`
	Outputs map[string]string `json:"outputs,omitempty"`
	Exports []ExportState     `json:"exports,omitempty"`
}

// ExportState is one export and the names of the stacks that import it.
type ExportState struct {
	Name      string   `json:"name"`
	Value     string   `json:"value"`
	Importers []string `json:"importers,omitempty"`
}

// State describes a stack, its exports and who imports them.
func (d *Deployer) State(ctx context.Context, name string) (State, error) {
	s := State{Name: name}
	stack, err := d.describe(ctx, name)
	if err != nil || stack == nil {
		return s, err
	}
	s.Status, s.Reason, s.Outputs = string(stack.StackStatus), aws.ToString(stack.StackStatusReason), outputs(stack)
	s.Exports, err = d.exportsOf(ctx, aws.ToString(stack.StackId))
	return s, err
}
