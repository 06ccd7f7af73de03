package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/ssm"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
type parameterProperties struct {
	Name        string
	Type        string
	Value       string
	Description string
	Tier        string
	// Tags are an object here, other than in most types.
	Tags map[string]string
}

func parameters(service *ssm.Service) cloudformation.Provider {
	// A parameter's physical ID, and its Ref, is its name.
	made := func(p ssm.Parameter, err error) (cloudformation.Resource, error) {
		return made(p.Name, map[string]any{"Type": p.Type, "Value": p.Value}, err)
	}
	input := func(r cloudformation.Request, p parameterProperties) ssm.ParameterInput {
		return ssm.ParameterInput{Name: physical(r, p.Name, 0, asItIs), Type: p.Type, Value: p.Value, Description: p.Description, Tier: p.Tier,
			Tags: p.Tags, ClientToken: r.Token}
	}
	return resource[parameterProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "Type", "Value", "Description", "Tier", "Tags"},
			Required:   []string{"Type", "Value"},
			CreateOnly: []string{"Name"},
			Attributes: []string{"Type", "Value"},
		},
		find: func(r cloudformation.Request, p parameterProperties) (cloudformation.Resource, string, bool) {
			found, err := service.GetParameter(physical(r, p.Name, 0, asItIs))
			got, _ := made(found, nil)
			return got, found.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p parameterProperties) (cloudformation.Resource, error) {
			return made(service.PutParameter(input(r, p), false))
		},
		update: func(_ context.Context, r cloudformation.Request, p parameterProperties) (cloudformation.Resource, error) {
			return made(service.PutParameter(input(r, p), true))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ parameterProperties) error {
			return service.DeleteParameter(r.PhysicalID)
		},
	}
}
