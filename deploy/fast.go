package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor"
)

// MoreThanCodeError is a change that only CloudFormation can make.
type MoreThanCodeError struct {
	Stack string
	// Parts are what differs: paths in the template, such as Resources.HelloFunction, parameters and tags.
	Parts []string
	// Hidden are NoEcho parameters that are given a value. CloudFormation keeps theirs to itself, so that it alone
	// can tell whether they differ.
	Hidden []string
}

func (e *MoreThanCodeError) Error() string {
	var why []string
	if len(e.Parts) > 0 {
		why = append(why, fmt.Sprintf("more than code differs in stack %s: %s", e.Stack, strings.Join(e.Parts, ", ")))
	}
	if len(e.Hidden) > 0 {
		why = append(why, fmt.Sprintf("more than code may differ in stack %s: CloudFormation tells nobody the value of a NoEcho parameter, here %s", e.Stack, strings.Join(e.Hidden, ", ")))
	}
	if why == nil {
		return fmt.Sprintf("stack %s is not there yet", e.Stack)
	}
	return strings.Join(why, "; ")
}

// Fast builds, and gives the functions their new code in place, past CloudFormation: seconds instead of
// a minute. The stack goes on naming the code before; Run, when it finds the stack
// unchanged, looks at the functions' code all the same. If more than the code differs from
// what is deployed, or may differ, nothing changes and the error is a *MoreThanCodeError. The tags of the application's stack
// are left as they are: they name the revision, which is another whenever the code is.
func (w *Workflow) Fast(ctx context.Context) error {
	err := w.steps(ctx, w.Prepare, w.Build, w.Marshal, func(ctx context.Context) error {
		app := w.stack
		app.Tags = nil
		for _, s := range append(w.Lower(), app) {
			if err := w.Deployer.sameButCode(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}, w.upload, w.updateCode)
	return w.Failed(ctx, err)
}

// sameButCode compares a stack with the one deployed: its template, parameters and tags.
func (d *Deployer) sameButCode(ctx context.Context, s ephor.Stack) error {
	stack, err := d.describe(ctx, s.Name)
	if err != nil {
		return err
	}
	if stack == nil || stack.StackStatus == types.StackStatusReviewInProgress {
		return &MoreThanCodeError{Stack: s.Name}
	}
	if inProgress(stack.StackStatus) || onlyDeletable(stack.StackStatus) {
		return &StackError{Stack: s.Name, Status: string(stack.StackStatus), Reason: "the code of its functions cannot be changed in this state"}
	}
	deployed, err := d.deployed(ctx, s.Name)
	if err != nil {
		return err
	}
	is, err := withoutCode(deployed)
	if err != nil {
		return fmt.Errorf("reading the template of stack %s: %w", s.Name, err)
	}
	text, err := json.Marshal(s.Template)
	if err != nil {
		return fmt.Errorf("encoding the template of stack %s: %w", s.Name, err)
	}
	shall, err := withoutCode(text)
	if err != nil {
		return fmt.Errorf("encoding the template of stack %s: %w", s.Name, err)
	}
	more := MoreThanCodeError{Stack: s.Name, Parts: differing(is, shall)}
	more.compareParameters(s, stack)
	more.compareTags(s, stack)
	if len(more.Parts)+len(more.Hidden) > 0 {
		return &more
	}
	return nil
}

// compareParameters notes those that are given another value. One that is not given keeps its own.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html says what NoEcho hides.
func (e *MoreThanCodeError) compareParameters(s ephor.Stack, deployed *types.Stack) {
	for _, p := range deployed.Parameters {
		name := aws.ToString(p.ParameterKey)
		value, given := s.Parameters[name]
		switch {
		case !given || name == ParamImage && hasImage(s.Template): // the image is the code
		case s.Template.Parameters[name].NoEcho:
			e.Hidden = append(e.Hidden, "Parameters."+name)
		case value != aws.ToString(p.ParameterValue):
			e.Parts = append(e.Parts, "Parameters."+name)
		}
	}
}

// compareTags notes those that an update would put on the stack, change or take away. Without any it would leave them
// alone, and always those of AWS, whose names nobody else may give:
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html
func (e *MoreThanCodeError) compareTags(s ephor.Stack, deployed *types.Stack) {
	if len(s.Tags) == 0 {
		return
	}
	is := map[string]string{}
	for _, t := range deployed.Tags {
		if name := aws.ToString(t.Key); !strings.HasPrefix(name, "aws:") {
			is[name] = aws.ToString(t.Value)
		}
	}
	for _, name := range union(is, s.Tags) {
		was, there := is[name]
		shall, given := s.Tags[name]
		if there != given || was != shall {
			e.Parts = append(e.Parts, "Tags."+name)
		}
	}
}

// deployed is the text of the template that a stack has.
func (d *Deployer) deployed(ctx context.Context, name string) ([]byte, error) {
	out, err := d.cloudformation.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("reading the template of stack %s: %w", name, err)
	}
	return []byte(aws.ToString(out.TemplateBody)), nil
}

// withoutCode is a template's sections by name and their parts, functions without their code.
func withoutCode(text []byte) (map[string]any, error) {
	var t map[string]any
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	resources, _ := t["Resources"].(map[string]any)
	for _, r := range resources {
		r, _ := r.(map[string]any)
		if r["Type"] == "AWS::Lambda::Function" {
			if p, ok := r["Properties"].(map[string]any); ok {
				delete(p, "Code")
			}
		}
	}
	return t, nil
}

// differing are the paths of the parts that two templates do not share.
func differing(a, b map[string]any) []string {
	var parts []string
	for _, section := range union(a, b) {
		x, xok := a[section].(map[string]any)
		y, yok := b[section].(map[string]any)
		if !xok && !yok {
			if !reflect.DeepEqual(a[section], b[section]) {
				parts = append(parts, section)
			}
			continue
		}
		for _, id := range union(x, y) {
			if !reflect.DeepEqual(x[id], y[id]) {
				parts = append(parts, section+"."+id)
			}
		}
	}
	return parts
}

// union are the keys of both.
func union[V any](a, b map[string]V) []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, m := range []map[string]V{a, b} {
			for k := range maps.Keys(m) {
				if !yield(k) {
					return
				}
			}
		}
	}))
}
