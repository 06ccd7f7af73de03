package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// Result is what a stack has become.
type Result struct {
	Outputs   map[string]string
	Unchanged bool
	// Lower are the outputs of the stacks below the application's, by stack; of a Workflow alone.
	Lower map[string]map[string]string
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

// underWay says whether something goes on in a stack: not in one that is there for change sets alone, none of which was executed.
func underWay(s types.StackStatus) bool {
	return inProgress(s) && s != types.StackStatusReviewInProgress
}

// State is what is known of a stack.
type State struct {
	Name    string            `json:"name"`
	Status  string            `json:"status"` // "" if the stack does not exist
	Reason  string            `json:"reason,omitempty"`
	Outputs map[string]string `json:"outputs,omitempty"`
	Exports []ExportState     `json:"exports,omitempty"`
	// Created is when the stack was made, and Updated when it was changed last, if ever.
	Created time.Time `json:"-"`
	Updated time.Time `json:"-"`
	// Parameters are the values that the template's parameters have.
	Parameters map[string]string `json:"-"`
	// Drift is there if it was asked for, which State does not.
	Drift *Drift `json:"drift,omitempty"`
}

// Kept are the values of parameters that an update keeps where it is given none: of a stack that has to be made, or made
// anew, there are none.
func (s State) Kept() map[string]string {
	if status := types.StackStatus(s.Status); status == types.StackStatusReviewInProgress || onlyDeletable(status) {
		return nil
	}
	return s.Parameters
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
	s.Created, s.Updated = aws.ToTime(stack.CreationTime), aws.ToTime(stack.LastUpdatedTime)
	s.Parameters = map[string]string{}
	for _, p := range stack.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	s.Exports, err = d.exportsOf(ctx, aws.ToString(stack.StackId))
	return s, err
}

// Resource is the physical ID of one of a stack's resources.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html
func (d *Deployer) Resource(ctx context.Context, stack, logicalID string) (string, error) {
	out, err := d.cloudformation.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &stack, LogicalResourceId: &logicalID})
	if err != nil {
		return "", fmt.Errorf("describing resource %s of stack %s: %w", logicalID, stack, err)
	}
	return aws.ToString(out.StackResourceDetail.PhysicalResourceId), nil
}
