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

	"github.com/ephor-io/ephor"
)

// inlineTemplate is the size up to which a template travels within the call.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const inlineTemplate = 51200

// createChangeSet begins a change set; stack is nil if it shall create the stack.
func (d *Deployer) createChangeSet(ctx context.Context, s ephor.Stack, stack *types.Stack) (string, error) {
	body, err := json.Marshal(s.Template)
	if err != nil {
		return "", fmt.Errorf("encoding the template of stack %s: %w", s.Name, err)
	}
	name := "ephor-" + time.Now().UTC().Format("20060102T150405.000000000")
	name = strings.ReplaceAll(name, ".", "-")
	in := &cloudformation.CreateChangeSetInput{
		StackName:     &s.Name,
		ChangeSetName: &name,
		ChangeSetType: types.ChangeSetTypeCreate,
		Capabilities:  capabilities(),
		Parameters:    parameters(s, stack),
	}
	if stack != nil {
		in.ChangeSetType = types.ChangeSetTypeUpdate
	}
	if len(body) <= inlineTemplate {
		in.TemplateBody = aws.String(string(body))
	} else if in.TemplateURL, err = d.uploadTemplate(ctx, s.Name, body); err != nil {
		return "", err
	}
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(s.Tags[k])})
	}
	out, err := d.cloudformation.CreateChangeSet(ctx, in)
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && (api.ErrorCode() == "ValidationError" || api.ErrorCode() == "InsufficientCapabilitiesException"):
		return "", &StackError{Stack: s.Name, Status: api.ErrorCode(), Reason: api.ErrorMessage()}
	case err != nil:
		return "", fmt.Errorf("creating a change set for stack %s: %w", s.Name, err)
	}
	return aws.ToString(out.Id), nil
}

// capabilities are all that CloudFormation knows, as the CDK gives them, too: they are an acknowledgement that a template
// may make roles, name them and hold macros, by whoever did not write it. This one comes out of the program
// that provisions it.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
func capabilities() []types.Capability {
	return []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand}
}

// changes waits for the change set and lists what it would do; nil means nothing at all.
func (d *Deployer) changes(ctx context.Context, stack, set string) ([]Change, error) {
	in := &cloudformation.DescribeChangeSetInput{ChangeSetName: &set, StackName: &stack}
	var out *cloudformation.DescribeChangeSetOutput
	read := func() (err error) {
		if out, err = d.cloudformation.DescribeChangeSet(ctx, in); err != nil {
			return fmt.Errorf("reading the change set of stack %s: %w", stack, err)
		}
		return nil
	}
	err := wait(ctx, func() (done, news bool, err error) {
		if err := read(); err != nil {
			return false, false, err
		}
		return out.Status == types.ChangeSetStatusCreateComplete || out.Status == types.ChangeSetStatusFailed, false, nil
	})
	if err != nil {
		return nil, err
	}
	if out.Status == types.ChangeSetStatusFailed {
		if nothingToDo(aws.ToString(out.StatusReason)) {
			return nil, nil
		}
		return nil, &StackError{Stack: stack, Status: string(out.Status), Reason: aws.ToString(out.StatusReason)}
	}
	changes := []Change{}
	for {
		for _, c := range out.Changes {
			if c.ResourceChange != nil {
				changes = append(changes, changeOf(c.ResourceChange))
			}
		}
		if out.NextToken == nil {
			return changes, nil
		}
		in.NextToken = out.NextToken
		if err := read(); err != nil {
			return nil, err
		}
	}
}

func changeOf(r *types.ResourceChange) Change {
	c := Change{Action: string(r.Action), LogicalID: aws.ToString(r.LogicalResourceId),
		Type: aws.ToString(r.ResourceType), Replacement: string(r.Replacement)}
	for _, detail := range r.Details {
		if detail.Target == nil {
			continue
		}
		name := aws.ToString(detail.Target.Name)
		if name == "" {
			name = string(detail.Target.Attribute)
		}
		if name != "" && !slices.Contains(c.Properties, name) {
			c.Properties = append(c.Properties, name)
		}
	}
	slices.Sort(c.Properties)
	return c
}

// nothingToDo tells the one failed change set that is a success. CloudFormation says it in these
// two sentences and in no other way; the AWS CLI's deploy command looks for them, too.
func nothingToDo(reason string) bool {
	return strings.Contains(reason, "The submitted information didn't contain changes") ||
		strings.Contains(reason, "No updates are to be performed")
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
