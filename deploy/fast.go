package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor"
)

// MoreThanCodeError is a change that only CloudFormation can make.
type MoreThanCodeError struct {
	Stack string
	// Parts are paths in the template, such as Resources.HelloFunction, that differ.
	Parts []string
}

func (e *MoreThanCodeError) Error() string {
	if len(e.Parts) == 0 {
		return fmt.Sprintf("stack %s is not there yet", e.Stack)
	}
	return fmt.Sprintf("more than code differs in stack %s: %s", e.Stack, strings.Join(e.Parts, ", "))
}

// Fast builds, and gives the functions their new code in place, past CloudFormation: seconds instead of
// a minute. The stack goes on naming the code before; Run, when it finds the stack
// unchanged, looks at the functions' code all the same. If more than the code differs from
// what is deployed, nothing changes and the error is a *MoreThanCodeError.
func (w *Workflow) Fast(ctx context.Context) error {
	err := w.steps(ctx, w.Prepare, w.Build, w.Marshal, func(ctx context.Context) error {
		for _, s := range append(w.Lower(), w.stack) {
			if err := w.Deployer.sameButCode(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}, w.upload, func(ctx context.Context) error { return w.Deployer.updateCode(ctx, w.stack, w.bucket, w.pack) })
	return w.Failed(ctx, err)
}

// sameButCode compares a stack's template with the one deployed.
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
	parts := differing(is, shall)
	for _, p := range stack.Parameters {
		if value, given := s.Parameters[aws.ToString(p.ParameterKey)]; given && value != aws.ToString(p.ParameterValue) {
			parts = append(parts, "Parameters."+aws.ToString(p.ParameterKey))
		}
	}
	if len(parts) > 0 {
		return &MoreThanCodeError{Stack: s.Name, Parts: parts}
	}
	return nil
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

// updateCode gives the functions of a stack, which are of one package, its code.
func (d *Deployer) updateCode(ctx context.Context, s ephor.Stack, bucket string, p *Package) error {
	sum, err := p.SHA256()
	if err != nil {
		return err
	}
	pages := cloudformation.NewListStackResourcesPaginator(d.cloudformation, &cloudformation.ListStackResourcesInput{StackName: &s.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the functions of stack %s: %w", s.Name, err)
		}
		for _, r := range page.StackResourceSummaries {
			if aws.ToString(r.ResourceType) != "AWS::Lambda::Function" || !p.codeOf(s, aws.ToString(r.LogicalResourceId)) {
				continue
			}
			if err := d.updateFunction(ctx, aws.ToString(r.PhysicalResourceId), sum, bucket, p.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// codeOf reports whether a resource of the stack has this package for its code: hooks may have added
// functions that have other.
func (p *Package) codeOf(s ephor.Stack, id string) bool {
	code, _ := s.Template.Resources[id].Properties["Code"].(map[string]any)
	return code["S3Key"] == p.Key
}

// updateFunction changes a function's code in place and waits until it has it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func (d *Deployer) updateFunction(ctx context.Context, name, sum, bucket, key string) error {
	start := time.Now()
	get := func() (*lambda.GetFunctionConfigurationOutput, error) {
		out, err := d.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			return nil, fmt.Errorf("looking at function %s: %w", name, err)
		}
		return out, nil
	}
	is, err := get()
	if err != nil {
		return err
	}
	if aws.ToString(is.CodeSha256) == sum {
		d.events(CodeUpdated{Function: name, Unchanged: true, Took: time.Since(start)})
		return nil
	}
	if _, err := d.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, S3Bucket: &bucket, S3Key: &key}); err != nil {
		return fmt.Errorf("updating the code of function %s: %w", name, err)
	}
	err = wait(ctx, func() (done, news bool, err error) {
		is, err = get()
		return err == nil && is.LastUpdateStatus != lambdatypes.LastUpdateStatusInProgress, false, err
	})
	if err != nil {
		return err
	}
	if is.LastUpdateStatus == lambdatypes.LastUpdateStatusFailed {
		return fmt.Errorf("updating the code of function %s: %w", name, errors.New(aws.ToString(is.LastUpdateStatusReason)))
	}
	d.events(CodeUpdated{Function: name, Took: time.Since(start)})
	return nil
}
