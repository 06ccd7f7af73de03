package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// DryRun tells what Converge would do, and leaves nothing behind. among are the stacks that would be
// converged before: CloudFormation cannot plan a stack that imports what is not exported yet, so of such a
// stack it is told how its template differs from the one deployed, and of one that is not there every
// resource, as all of them would be made.
func (d *Deployer) DryRun(ctx context.Context, s ephor.Stack, among []*Plan) (*Plan, error) {
	p, err := d.dryRun(ctx, s, among)
	if err != nil {
		return nil, err
	}
	for _, o := range s.Template.Outputs {
		if o.Export == nil {
			continue
		}
		if name, ok := o.Export.NameIn(s.Name); ok {
			p.exports = append(p.exports, name)
		}
	}
	return p, nil
}

func (d *Deployer) dryRun(ctx context.Context, s ephor.Stack, among []*Plan) (*Plan, error) {
	stack, err := d.describe(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	exists := stack != nil && stack.StackStatus != types.StackStatusReviewInProgress
	switch {
	case exists && inProgress(stack.StackStatus):
		return nil, &StackError{Stack: s.Name, Status: string(stack.StackStatus), Reason: "it is being changed, so what is left to change is not known"}
	case exists && onlyDeletable(stack.StackStatus):
		if err := d.Deletable(ctx, s.Name); err != nil {
			return nil, err
		}
		return &Plan{Stack: s.Name, Action: ActionCreate, Changes: additions(s),
			Note: "it is " + string(stack.StackStatus) + ", so it would be deleted first"}, nil
	case exists && stack.StackStatus == types.StackStatusUpdateRollbackFailed:
		return nil, d.clear(ctx, s.Name)
	}
	lower, err := d.notYet(ctx, s, among)
	switch {
	case err != nil:
		return nil, err
	case lower != "" && !exists:
		return &Plan{Stack: s.Name, Action: ActionCreate, Changes: additions(s),
			Note: "it imports what " + lower + " does not export yet; so this is its template, not CloudFormation's plan"}, nil
	case lower != "":
		changes, err := d.differences(ctx, s)
		return &Plan{Stack: s.Name, Action: ActionUpdate, Changes: changes,
			Note: "it imports what " + lower + " does not export yet; so this is how its template differs, not CloudFormation's plan, which could tell what is replaced"}, err
	}
	p, err := d.plan(ctx, s)
	if err != nil {
		return nil, err
	}
	return p, d.discard(ctx, p)
}

// notYet is the stack among those planned that is going to export what s imports and nobody exports yet.
func (d *Deployer) notYet(ctx context.Context, s ephor.Stack, among []*Plan) (string, error) {
	_, names, err := cfn.References(s.Name, s.Template)
	if err != nil || len(names) == 0 {
		return "", err
	}
	there, err := d.exports(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range among {
		for _, name := range names {
			if slices.Contains(p.exports, name) && !slices.ContainsFunc(there, func(e types.Export) bool { return aws.ToString(e.Name) == name }) {
				return p.Stack, nil
			}
		}
	}
	return "", nil
}

// differences are those between a stack's resources and the ones that the deployed template has.
func (d *Deployer) differences(ctx context.Context, s ephor.Stack) ([]Change, error) {
	text, err := d.deployed(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	var is, shall resourceTexts
	if err := json.Unmarshal(text, &is); err != nil {
		return nil, fmt.Errorf("reading the template of stack %s: %w", s.Name, err)
	}
	if text, err = json.Marshal(s.Template); err == nil {
		err = json.Unmarshal(text, &shall)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the template of stack %s: %w", s.Name, err)
	}
	var changes []Change
	for _, id := range union(is.Resources, shall.Resources) {
		was, had := is.Resources[id]
		will, has := shall.Resources[id]
		c := Change{LogicalID: id, Type: will.Type}
		switch {
		case !had:
			c.Action = string(types.ChangeActionAdd)
		case !has:
			c.Action, c.Type = string(types.ChangeActionRemove), was.Type
		case reflect.DeepEqual(was, will):
			continue
		default:
			c.Action = string(types.ChangeActionModify)
			for _, name := range union(was.Properties, will.Properties) {
				if !reflect.DeepEqual(was.Properties[name], will.Properties[name]) {
					c.Properties = append(c.Properties, name)
				}
			}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// resourceTexts are the resources of a template as its text has them.
type resourceTexts struct {
	Resources map[string]struct {
		Type                                                      string
		Properties, CreationPolicy, Metadata, UpdatePolicy        map[string]any
		DependsOn, Condition, DeletionPolicy, UpdateReplacePolicy any
	}
}

func additions(s ephor.Stack) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(s.Template.Resources)) {
		changes = append(changes, Change{Action: string(types.ChangeActionAdd), LogicalID: id, Type: s.Template.Resources[id].Type})
	}
	return changes
}
