package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor"
)

// newCode is what functions are given in place: a package or an image.
type newCode struct {
	// of reports whether a function has it that the template gives this Code: hooks may have added functions
	// that have other.
	of func(code map[string]any) bool
	// has reports whether a function has it already.
	has func(ctx context.Context, function string) (bool, error)
	// update is the call, but for the function's name.
	update lambda.UpdateFunctionCodeInput
}

// packageCode is a package that is in the bucket.
func (d *Deployer) packageCode(bucket string, p *Package) (newCode, error) {
	sum, err := p.SHA256()
	if err != nil {
		return newCode{}, err
	}
	return newCode{
		of: func(code map[string]any) bool { return code["S3Key"] == p.Key },
		has: func(ctx context.Context, function string) (bool, error) {
			is, err := d.configuration(ctx, function)
			return err == nil && aws.ToString(is.CodeSha256) == sum, err
		},
		update: lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: &p.Key},
	}, nil
}

// updateCode gives the functions of a stack that shall have this code in place.
func (d *Deployer) updateCode(ctx context.Context, s ephor.Stack, code newCode) error {
	pages := cloudformation.NewListStackResourcesPaginator(d.cloudformation, &cloudformation.ListStackResourcesInput{StackName: &s.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the functions of stack %s: %w", s.Name, err)
		}
		for _, r := range page.StackResourceSummaries {
			given, _ := s.Template.Resources[aws.ToString(r.LogicalResourceId)].Properties["Code"].(map[string]any)
			if aws.ToString(r.ResourceType) != "AWS::Lambda::Function" || !code.of(given) {
				continue
			}
			if err := d.updateFunction(ctx, aws.ToString(r.PhysicalResourceId), code); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Deployer) configuration(ctx context.Context, function string) (*lambda.GetFunctionConfigurationOutput, error) {
	out, err := d.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return nil, fmt.Errorf("looking at function %s: %w", function, err)
	}
	return out, nil
}

// updateFunction changes a function's code in place and waits until it has it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func (d *Deployer) updateFunction(ctx context.Context, name string, code newCode) error {
	start := time.Now()
	has, err := code.has(ctx, name)
	if err != nil {
		return err
	}
	if has {
		d.events(CodeUpdated{Function: name, Unchanged: true, Took: time.Since(start)})
		return nil
	}
	in := code.update
	in.FunctionName = &name
	if _, err := d.lambda.UpdateFunctionCode(ctx, &in); err != nil {
		return fmt.Errorf("updating the code of function %s: %w", name, err)
	}
	var is *lambda.GetFunctionConfigurationOutput
	err = wait(ctx, func() (done, news bool, err error) {
		is, err = d.configuration(ctx, name)
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
