package deploy

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// DryRun tells what Converge would do, and leaves nothing behind. among are the stacks that would be
// converged before: CloudFormation cannot plan a stack that imports from one that is not there yet, so of
// such a stack every resource of its template is told, as all of them would be made.
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
		if p.Action == ActionCreate && slices.ContainsFunc(names, func(name string) bool { return slices.Contains(p.exports, name) }) {
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
