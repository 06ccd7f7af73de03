package laptop

import (
	"context"
	"errors"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
type apiProperties struct {
	Name              string
	ProtocolType      string
	Description       string
	Version           string
	CorsConfiguration *apigateway.CORS
	Tags              map[string]string
}

func (p apiProperties) input() apigateway.APIInput {
	return apigateway.APIInput{Name: p.Name, ProtocolType: p.ProtocolType, Description: p.Description,
		Version: p.Version, CorsConfiguration: p.CorsConfiguration, Tags: p.Tags}
}

// tokenTag marks an API with the creation that made it, so that one that was cut off is found.
const tokenTag = "ephor:token"

func apis(service *apigateway.Service) cloudformation.Provider {
	made := func(a apigateway.API, err error) (cloudformation.Resource, error) {
		return made(a.APIID, map[string]any{"ApiId": a.APIID, "ApiEndpoint": a.APIEndpoint}, err)
	}
	input := func(r cloudformation.Request, p apiProperties) apigateway.APIInput {
		in := p.input()
		in.Tags = map[string]string{tokenTag: r.Token}
		for k, v := range p.Tags {
			in.Tags[k] = v
		}
		return in
	}
	find := func(r cloudformation.Request) (apigateway.API, error) {
		if r.PhysicalID != "" {
			return service.GetAPI(r.PhysicalID)
		}
		for _, a := range service.ListAPIs() {
			if a.Tags[tokenTag] == r.Token {
				return a, nil
			}
		}
		return apigateway.API{}, errors.New("there is no such API")
	}
	return resource[apiProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "ProtocolType", "Description", "Version", "CorsConfiguration", "Tags"},
			Required:   []string{"Name", "ProtocolType"},
			CreateOnly: []string{"ProtocolType"},
			Attributes: []string{"ApiId", "ApiEndpoint"},
		},
		create: func(_ context.Context, r cloudformation.Request, p apiProperties) (cloudformation.Resource, error) {
			if a, err := find(cloudformation.Request{Token: r.Token}); err == nil {
				return made(a, nil)
			}
			return made(service.CreateAPI(input(r, p)))
		},
		update: func(_ context.Context, r cloudformation.Request, p apiProperties) (cloudformation.Resource, error) {
			return made(service.UpdateAPI(r.PhysicalID, input(r, p)))
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ apiProperties) error {
			a, err := find(r)
			if err != nil {
				return nil // never made
			}
			return goneIsFine(service.DeleteAPI(ctx, a.APIID))
		},
		exists: func(r cloudformation.Request, _ apiProperties) bool {
			_, err := find(r)
			return err == nil
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-integration.html
type integrationProperties struct {
	ApiId                string
	Description          string
	IntegrationType      string
	IntegrationUri       string
	IntegrationMethod    string
	ConnectionType       string
	PayloadFormatVersion string
	TimeoutInMillis      int
}

func (p integrationProperties) input() apigateway.IntegrationInput {
	return apigateway.IntegrationInput{Description: p.Description, IntegrationType: p.IntegrationType, IntegrationURI: p.IntegrationUri,
		IntegrationMethod: p.IntegrationMethod, ConnectionType: p.ConnectionType, PayloadFormatVersion: p.PayloadFormatVersion,
		TimeoutInMillis: p.TimeoutInMillis}
}

func integrations(service *apigateway.Service) cloudformation.Provider {
	made := func(i apigateway.Integration, err error) (cloudformation.Resource, error) {
		return made(i.IntegrationID, map[string]any{"IntegrationId": i.IntegrationID}, err)
	}
	return resource[integrationProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "Description", "IntegrationType", "IntegrationUri", "IntegrationMethod", "ConnectionType",
				"PayloadFormatVersion", "TimeoutInMillis"},
			Required:   []string{"ApiId", "IntegrationType"},
			CreateOnly: []string{"ApiId"},
			Attributes: []string{"IntegrationId"},
		},
		create: func(_ context.Context, _ cloudformation.Request, p integrationProperties) (cloudformation.Resource, error) {
			return made(service.CreateIntegration(p.ApiId, p.input()))
		},
		update: func(_ context.Context, r cloudformation.Request, p integrationProperties) (cloudformation.Resource, error) {
			return made(service.UpdateIntegration(p.ApiId, r.PhysicalID, p.input()))
		},
		remove: func(_ context.Context, r cloudformation.Request, p integrationProperties) error {
			if r.PhysicalID == "" {
				return nil // an integration that no route leads to answers nothing; its API takes it along
			}
			return goneIsFine(service.DeleteIntegration(p.ApiId, r.PhysicalID))
		},
		exists: func(r cloudformation.Request, p integrationProperties) bool {
			_, err := service.GetIntegration(p.ApiId, r.PhysicalID)
			return err == nil
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
type routeProperties struct {
	ApiId             string
	RouteKey          string
	Target            string
	AuthorizationType string
	OperationName     string
}

func (p routeProperties) input() apigateway.RouteInput {
	return apigateway.RouteInput{RouteKey: p.RouteKey, Target: p.Target, AuthorizationType: p.AuthorizationType, OperationName: p.OperationName}
}

func routes(service *apigateway.Service) cloudformation.Provider {
	made := func(route apigateway.Route, err error) (cloudformation.Resource, error) {
		return made(route.RouteID, map[string]any{"RouteId": route.RouteID}, err)
	}
	// A route is told by its key, of which an API has only one.
	find := func(r cloudformation.Request, p routeProperties) (apigateway.Route, bool) {
		all, err := service.ListRoutes(p.ApiId)
		if err != nil {
			return apigateway.Route{}, false
		}
		for _, route := range all {
			if route.RouteID == r.PhysicalID || r.PhysicalID == "" && route.RouteKey == p.RouteKey {
				return route, true
			}
		}
		return apigateway.Route{}, false
	}
	return resource[routeProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "RouteKey", "Target", "AuthorizationType", "OperationName"},
			Required:   []string{"ApiId", "RouteKey"},
			CreateOnly: []string{"ApiId"},
			Attributes: []string{"RouteId"},
		},
		create: func(_ context.Context, _ cloudformation.Request, p routeProperties) (cloudformation.Resource, error) {
			return made(service.CreateRoute(p.ApiId, p.input()))
		},
		update: func(_ context.Context, r cloudformation.Request, p routeProperties) (cloudformation.Resource, error) {
			return made(service.UpdateRoute(p.ApiId, r.PhysicalID, p.input()))
		},
		remove: func(_ context.Context, r cloudformation.Request, p routeProperties) error {
			route, ok := find(r, p)
			if !ok {
				return nil
			}
			return goneIsFine(service.DeleteRoute(p.ApiId, route.RouteID))
		},
		exists: func(r cloudformation.Request, p routeProperties) bool {
			_, ok := find(r, p)
			return ok
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-stage.html
type stageProperties struct {
	ApiId          string
	StageName      string
	Description    string
	AutoDeploy     bool
	DeploymentId   string
	StageVariables map[string]string
	Tags           map[string]string
}

func (p stageProperties) input() apigateway.StageInput {
	return apigateway.StageInput{StageName: p.StageName, Description: p.Description, AutoDeploy: p.AutoDeploy,
		DeploymentID: p.DeploymentId, StageVariables: p.StageVariables, Tags: p.Tags}
}

func stages(service *apigateway.Service) cloudformation.Provider {
	made := func(s apigateway.Stage, err error) (cloudformation.Resource, error) {
		return made(s.StageName, nil, err)
	}
	return resource[stageProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "StageName", "Description", "AutoDeploy", "DeploymentId", "StageVariables", "Tags"},
			Required:   []string{"ApiId", "StageName"},
			CreateOnly: []string{"ApiId", "StageName"},
		},
		create: func(_ context.Context, _ cloudformation.Request, p stageProperties) (cloudformation.Resource, error) {
			return made(service.CreateStage(p.ApiId, p.input()))
		},
		update: func(_ context.Context, _ cloudformation.Request, p stageProperties) (cloudformation.Resource, error) {
			return made(service.UpdateStage(p.ApiId, p.input()))
		},
		remove: func(_ context.Context, _ cloudformation.Request, p stageProperties) error {
			return goneIsFine(service.DeleteStage(p.ApiId, p.StageName))
		},
		exists: func(_ cloudformation.Request, p stageProperties) bool {
			_, err := service.GetStage(p.ApiId, p.StageName)
			return err == nil
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-deployment.html
type deploymentProperties struct {
	ApiId       string
	Description string
	StageName   string
}

func deployments(service *apigateway.Service) cloudformation.Provider {
	return resource[deploymentProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "Description", "StageName"},
			Required:   []string{"ApiId"},
			CreateOnly: []string{"ApiId", "Description", "StageName"},
			Attributes: []string{"DeploymentId"},
		},
		create: func(_ context.Context, _ cloudformation.Request, p deploymentProperties) (cloudformation.Resource, error) {
			d, err := service.CreateDeployment(p.ApiId, p.Description, p.StageName)
			return made(d.DeploymentID, map[string]any{"DeploymentId": d.DeploymentID}, err)
		},
		remove: func(_ context.Context, r cloudformation.Request, p deploymentProperties) error {
			if r.PhysicalID == "" {
				return nil // a deployment that no stage serves answers nothing; its API takes it along
			}
			return goneIsFine(service.DeleteDeployment(p.ApiId, r.PhysicalID))
		},
		exists: func(r cloudformation.Request, p deploymentProperties) bool {
			_, err := service.GetDeployment(p.ApiId, r.PhysicalID)
			return err == nil
		},
	}
}
