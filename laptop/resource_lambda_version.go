package laptop

import (
	"context"
	"fmt"
	"time"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// provisionedConcurrency is the property of that name.
type provisionedConcurrency struct{ ProvisionedConcurrentExecutions int }

// keep makes a version or alias have the provisioned concurrency that a template says, nil for none,
// and returns when it is there, as CloudFormation does.
func (p *provisionedConcurrency) keep(ctx context.Context, service *lambda.Service, arn string) error {
	if p == nil {
		return service.DeleteProvisionedConcurrency(ctx, arn)
	}
	state, err := service.PutProvisionedConcurrency(ctx, arn, p.ProvisionedConcurrentExecutions)
	for wait := 5 * time.Millisecond; err == nil && state.Status == "IN_PROGRESS"; wait = min(2*wait, time.Second) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		state, err = service.ProvisionedConcurrency(arn)
	}
	if err == nil && state.Status == "FAILED" {
		err = awsproto.Errorf("InvalidRequest", "provisioned concurrency of %s: %s: the function's log says why", arn, state.StatusReason)
	}
	return err
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
type versionProperties struct {
	FunctionName                 string
	CodeSha256                   string
	Description                  string
	ProvisionedConcurrencyConfig *provisionedConcurrency
}

func versions(service *lambda.Service) cloudformation.Provider {
	made := func(v lambda.Function, err error) (cloudformation.Resource, error) {
		return made(v.ARN, map[string]any{"Version": v.Version, "FunctionArn": v.ARN}, err)
	}
	properties := []string{"FunctionName", "CodeSha256", "Description", "ProvisionedConcurrencyConfig"}
	return resource[versionProperties]{
		schema: cloudformation.Schema{
			Properties: properties, CreateOnly: properties,
			Required:   []string{"FunctionName"},
			Attributes: []string{"Version", "FunctionArn"},
		},
		find: func(r cloudformation.Request, p versionProperties) (cloudformation.Resource, string, bool) {
			all, err := service.Versions(p.FunctionName)
			if err != nil {
				return cloudformation.Resource{}, "", false
			}
			v, ok := which(r, all[1:], func(v lambda.Function) (string, string) { return v.ARN, v.Mark })
			got, _ := made(v, nil)
			return got, v.Mark, ok
		},
		create: func(ctx context.Context, r cloudformation.Request, p versionProperties) (cloudformation.Resource, error) {
			v, err := service.PublishVersion(ctx, p.FunctionName, lambda.PublishInput{Description: p.Description, CodeSHA256: p.CodeSha256, Mark: r.Token})
			if err == nil && v.Mark != r.Token {
				err = &awsproto.Error{Code: "AlreadyExists", Status: 409,
					Message: fmt.Sprintf("A version for this Lambda function exists ( %s ). Modify the function to create a new version.", v.Version)}
			}
			if err != nil {
				return cloudformation.Resource{}, err
			}
			got, _ := made(v, nil)
			if p.ProvisionedConcurrencyConfig != nil {
				err = p.ProvisionedConcurrencyConfig.keep(ctx, service, v.ARN)
			}
			return got, err
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ versionProperties) error {
			return service.DeleteFunction(ctx, r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-alias.html
type aliasProperties struct {
	FunctionName    string
	FunctionVersion string
	Name            string
	Description     string
	RoutingConfig   struct {
		AdditionalVersionWeights []struct {
			FunctionVersion string
			FunctionWeight  float64
		}
	}
	ProvisionedConcurrencyConfig *provisionedConcurrency
}

func (p aliasProperties) input(r cloudformation.Request) lambda.AliasInput {
	in := lambda.AliasInput{Name: p.Name, Version: p.FunctionVersion, Description: &p.Description, Weights: map[string]float64{}, Mark: r.Token}
	for _, w := range p.RoutingConfig.AdditionalVersionWeights {
		in.Weights[w.FunctionVersion] = w.FunctionWeight
	}
	return in
}

func aliases(service *lambda.Service) cloudformation.Provider {
	made := func(a lambda.Alias, err error) (cloudformation.Resource, error) {
		return made(a.ARN, map[string]any{"AliasArn": a.ARN}, err)
	}
	return resource[aliasProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"FunctionName", "FunctionVersion", "Name", "Description", "RoutingConfig", "ProvisionedConcurrencyConfig"},
			Required:   []string{"FunctionName", "FunctionVersion", "Name"},
			CreateOnly: []string{"FunctionName", "Name"},
			Attributes: []string{"AliasArn"},
		},
		find: func(_ cloudformation.Request, p aliasProperties) (cloudformation.Resource, string, bool) {
			a, err := service.Alias(p.FunctionName, p.Name)
			got, _ := made(a, nil)
			return got, a.Mark, err == nil
		},
		create: func(ctx context.Context, r cloudformation.Request, p aliasProperties) (cloudformation.Resource, error) {
			got, err := made(service.CreateAlias(ctx, p.FunctionName, p.input(r)))
			if err == nil && p.ProvisionedConcurrencyConfig != nil {
				err = p.ProvisionedConcurrencyConfig.keep(ctx, service, got.PhysicalID)
			}
			return got, err
		},
		update: func(ctx context.Context, r cloudformation.Request, p aliasProperties) (cloudformation.Resource, error) {
			if p.ProvisionedConcurrencyConfig == nil { // it would forbid weights
				if err := p.ProvisionedConcurrencyConfig.keep(ctx, service, r.PhysicalID); err != nil {
					return cloudformation.Resource{}, err
				}
			}
			got, err := made(service.UpdateAlias(ctx, p.FunctionName, p.input(r)))
			if err == nil && p.ProvisionedConcurrencyConfig != nil {
				err = p.ProvisionedConcurrencyConfig.keep(ctx, service, r.PhysicalID)
			}
			return got, err
		},
		remove: func(ctx context.Context, _ cloudformation.Request, p aliasProperties) error {
			return service.DeleteAlias(ctx, p.FunctionName, p.Name)
		},
	}
}
