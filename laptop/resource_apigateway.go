package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
type apiProperties struct {
	Name              string
	ProtocolType      string
	Description       string
	Version           string
	CorsConfiguration *corsProperties
	Tags              map[string]string
}

// The fields are those of apigateway.CORS, under the names that templates have for them.
type corsProperties struct {
	AllowCredentials bool
	AllowHeaders     []string
	AllowMethods     []string
	AllowOrigins     []string
	ExposeHeaders    []string
	MaxAge           int
}

// The fields are those of apigateway.RouteSettings.
type routeSettings struct {
	ThrottlingRateLimit    *float64
	ThrottlingBurstLimit   *int
	DetailedMetricsEnabled bool
}

func (p apiProperties) input(r cloudformation.Request) apigateway.APIInput {
	return apigateway.APIInput{Name: p.Name, ProtocolType: p.ProtocolType, Description: p.Description,
		Version: p.Version, CorsConfiguration: (*apigateway.CORS)(p.CorsConfiguration), Tags: withToken(r, p.Tags)}
}

func apis(service *apigateway.Service) cloudformation.Provider {
	made := func(a apigateway.API, err error) (cloudformation.Resource, error) {
		return made(a.APIID, map[string]any{"ApiId": a.APIID, "ApiEndpoint": a.APIEndpoint}, err)
	}
	return resource[apiProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "ProtocolType", "Description", "Version", "CorsConfiguration", "Tags"},
			Required:   []string{"Name", "ProtocolType"},
			CreateOnly: []string{"ProtocolType"},
			Attributes: []string{"ApiId", "ApiEndpoint"},
		},
		find: func(r cloudformation.Request, _ apiProperties) (cloudformation.Resource, string, bool) {
			a, ok := which(r, service.ListAPIs(), func(a apigateway.API) (string, string) { return a.APIID, a.Tags[tokenTag] })
			got, _ := made(a, nil)
			return got, a.Tags[tokenTag], ok
		},
		create: func(_ context.Context, r cloudformation.Request, p apiProperties) (cloudformation.Resource, error) {
			return made(service.CreateAPI(p.input(r)))
		},
		update: func(_ context.Context, r cloudformation.Request, p apiProperties) (cloudformation.Resource, error) {
			return made(service.UpdateAPI(r.PhysicalID, p.input(r)))
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ apiProperties) error {
			return service.DeleteAPI(ctx, r.PhysicalID)
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
	return apiPart[integrationProperties, apigateway.IntegrationInput, apigateway.Integration]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "Description", "IntegrationType", "IntegrationUri", "IntegrationMethod", "ConnectionType",
				"PayloadFormatVersion", "TimeoutInMillis"},
			Required:   []string{"ApiId", "IntegrationType"},
			CreateOnly: []string{"ApiId"},
			Attributes: []string{"IntegrationId"},
		},
		api: func(p integrationProperties) string { return p.ApiId }, input: integrationProperties.input,
		id:  func(i apigateway.Integration) string { return i.IntegrationID },
		get: service.GetIntegration, create: service.CreateIntegration, update: service.UpdateIntegration, remove: service.DeleteIntegration,
	}.provider()
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
type routeProperties struct {
	ApiId               string
	RouteKey            string
	Target              string
	AuthorizationType   string
	AuthorizerId        string
	AuthorizationScopes []string
	OperationName       string
}

func (p routeProperties) input() apigateway.RouteInput {
	return apigateway.RouteInput{RouteKey: p.RouteKey, Target: p.Target, AuthorizationType: p.AuthorizationType, AuthorizerID: p.AuthorizerId,
		AuthorizationScopes: p.AuthorizationScopes, OperationName: p.OperationName}
}

func routes(service *apigateway.Service) cloudformation.Provider {
	return apiPart[routeProperties, apigateway.RouteInput, apigateway.Route]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "RouteKey", "Target", "AuthorizationType", "AuthorizerId", "AuthorizationScopes", "OperationName"},
			Required:   []string{"ApiId", "RouteKey"},
			CreateOnly: []string{"ApiId"},
			Attributes: []string{"RouteId"},
		},
		api: func(p routeProperties) string { return p.ApiId }, input: routeProperties.input,
		id: func(route apigateway.Route) string { return route.RouteID },
		// Nothing on a route could hold a token. But of a key an API has one route, and of another
		// stack's the target is another integration.
		find: func(r cloudformation.Request, p routeProperties) (apigateway.Route, string, bool) {
			all, _ := service.ListRoutes(p.ApiId) // none of an API that is gone
			route, ok := which(r, all, func(route apigateway.Route) (string, string) {
				if route.RouteKey == p.RouteKey && route.Target == p.Target {
					return route.RouteID, r.Token
				}
				return route.RouteID, ""
			})
			return route, r.Token, ok
		},
		create: service.CreateRoute, update: service.UpdateRoute, remove: service.DeleteRoute,
	}.provider()
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

	DefaultRouteSettings routeSettings
	RouteSettings        map[string]routeSettings
}

func (p stageProperties) input(r cloudformation.Request) apigateway.StageInput {
	settings := make(map[string]apigateway.RouteSettings, len(p.RouteSettings))
	for key, s := range p.RouteSettings {
		settings[key] = apigateway.RouteSettings(s)
	}
	return apigateway.StageInput{StageName: p.StageName, Description: p.Description, AutoDeploy: p.AutoDeploy,
		DeploymentID: p.DeploymentId, StageVariables: p.StageVariables, Tags: withToken(r, p.Tags),
		DefaultRouteSettings: apigateway.RouteSettings(p.DefaultRouteSettings), RouteSettings: settings}
}

func stages(service *apigateway.Service) cloudformation.Provider {
	made := func(s apigateway.Stage, err error) (cloudformation.Resource, error) {
		return made(s.StageName, nil, err)
	}
	return resource[stageProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "StageName", "Description", "AutoDeploy", "DeploymentId", "StageVariables", "Tags",
				"DefaultRouteSettings", "RouteSettings"},
			Required:   []string{"ApiId", "StageName"},
			CreateOnly: []string{"ApiId", "StageName"},
		},
		find: func(_ cloudformation.Request, p stageProperties) (cloudformation.Resource, string, bool) {
			s, err := service.GetStage(p.ApiId, p.StageName)
			got, _ := made(s, nil)
			return got, s.Tags[tokenTag], err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p stageProperties) (cloudformation.Resource, error) {
			return made(service.CreateStage(p.ApiId, p.input(r)))
		},
		update: func(_ context.Context, r cloudformation.Request, p stageProperties) (cloudformation.Resource, error) {
			return made(service.UpdateStage(p.ApiId, p.input(r)))
		},
		remove: func(_ context.Context, r cloudformation.Request, p stageProperties) error {
			return service.DeleteStage(p.ApiId, r.PhysicalID)
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
	return apiPart[deploymentProperties, deploymentProperties, apigateway.Deployment]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "Description", "StageName"},
			Required:   []string{"ApiId"},
			CreateOnly: []string{"ApiId", "Description", "StageName"},
			Attributes: []string{"DeploymentId"},
		},
		api: func(p deploymentProperties) string { return p.ApiId }, input: itself[deploymentProperties],
		id:  func(d apigateway.Deployment) string { return d.DeploymentID },
		get: service.GetDeployment,
		create: func(api string, p deploymentProperties) (apigateway.Deployment, error) {
			return service.CreateDeployment(api, p.Description, p.StageName)
		},
		remove: service.DeleteDeployment,
	}.provider()
}
