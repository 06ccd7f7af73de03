package laptop

import (
	"context"
	"strings"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-restapi.html
type restAPIProperties struct {
	Name                  string
	Description           string
	BinaryMediaTypes      []string
	EndpointConfiguration struct{ Types []string }
	Tags                  tags
}

func (p restAPIProperties) input(r cloudformation.Request) apigateway.RestAPIInput {
	var binary []string
	for _, t := range p.BinaryMediaTypes {
		binary = append(binary, strings.ReplaceAll(t, "~1", "/")) // templates may write image~1png
	}
	return apigateway.RestAPIInput{Name: p.Name, Description: p.Description, BinaryMediaTypes: binary,
		EndpointTypes: p.EndpointConfiguration.Types, Tags: withToken(r, p.Tags.toMap())}
}

func restAPIs(service *apigateway.Service) cloudformation.Provider {
	made := func(a apigateway.RestAPI, err error) (cloudformation.Resource, error) {
		return made(a.ID, map[string]any{"RestApiId": a.ID, "RootResourceId": a.RootResourceID}, err)
	}
	return resource[restAPIProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "Description", "BinaryMediaTypes", "EndpointConfiguration", "Tags"},
			Required:   []string{"Name"}, // on AWS it could come from Body, which is not taken here
			Attributes: []string{"RestApiId", "RootResourceId"},
		},
		find: func(r cloudformation.Request, _ restAPIProperties) (cloudformation.Resource, string, bool) {
			a, ok := which(r, service.ListRestAPIs(), func(a apigateway.RestAPI) (string, string) { return a.ID, a.Tags[tokenTag] })
			got, _ := made(a, nil)
			return got, a.Tags[tokenTag], ok
		},
		create: func(_ context.Context, r cloudformation.Request, p restAPIProperties) (cloudformation.Resource, error) {
			return made(service.CreateRestAPI(p.input(r)))
		},
		update: func(_ context.Context, r cloudformation.Request, p restAPIProperties) (cloudformation.Resource, error) {
			return made(service.UpdateRestAPI(r.PhysicalID, p.input(r)))
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ restAPIProperties) error {
			return service.DeleteRestAPI(ctx, r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-resource.html
type restResourceProperties struct{ RestApiId, ParentId, PathPart string }

func restResources(service *apigateway.Service) cloudformation.Provider {
	return apiPart[restResourceProperties, restResourceProperties, apigateway.Resource]{
		schema: cloudformation.Schema{
			Properties: []string{"RestApiId", "ParentId", "PathPart"},
			Required:   []string{"RestApiId", "ParentId", "PathPart"},
			CreateOnly: []string{"RestApiId", "ParentId", "PathPart"},
			Attributes: []string{"ResourceId"},
		},
		api: func(p restResourceProperties) string { return p.RestApiId }, input: itself[restResourceProperties],
		id:  func(r apigateway.Resource) string { return r.ID },
		get: service.GetResource,
		create: func(api string, p restResourceProperties) (apigateway.Resource, error) {
			return service.CreateResource(api, p.ParentId, p.PathPart)
		},
		remove: service.DeleteResource,
	}.provider()
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-method.html
type restMethodProperties struct {
	RestApiId         string
	ResourceId        string
	HttpMethod        string
	AuthorizationType string
	AuthorizerId      string
	ApiKeyRequired    bool
	OperationName     string
	RequestParameters map[string]bool
	Integration       struct {
		Type                  string
		IntegrationHttpMethod string
		Uri                   string
		TimeoutInMillis       int
		PassthroughBehavior   string
		RequestParameters     map[string]string
		RequestTemplates      map[string]string
		IntegrationResponses  []integrationResponse
	}
	MethodResponses []methodResponse
}

// The fields are those of apigateway.IntegrationResponse and MethodResponse, under the names that
// templates have for them.
type (
	integrationResponse struct {
		StatusCode         string
		SelectionPattern   string
		ResponseParameters map[string]string
		ResponseTemplates  map[string]string
	}
	methodResponse struct {
		StatusCode         string
		ResponseParameters map[string]bool
		ResponseModels     map[string]string
	}
)

func (p restMethodProperties) input() apigateway.MethodInput {
	in := p.Integration
	out := apigateway.MethodInput{HTTPMethod: p.HttpMethod, AuthorizationType: p.AuthorizationType, AuthorizerID: p.AuthorizerId, APIKeyRequired: p.ApiKeyRequired,
		OperationName: p.OperationName, RequestParameters: p.RequestParameters, Integration: apigateway.MethodIntegration{
			Type: in.Type, HTTPMethod: in.IntegrationHttpMethod, URI: in.Uri, TimeoutInMillis: in.TimeoutInMillis,
			PassthroughBehavior: in.PassthroughBehavior, RequestParameters: in.RequestParameters, RequestTemplates: in.RequestTemplates, Responses: map[string]apigateway.IntegrationResponse{}}}
	for _, r := range in.IntegrationResponses {
		out.Integration.Responses[r.StatusCode] = apigateway.IntegrationResponse(r)
	}
	for _, r := range p.MethodResponses {
		out.MethodResponses = append(out.MethodResponses, apigateway.MethodResponse(r))
	}
	return out
}

// id is the method's: there is none on AWS, where Ref gives a made-up one.
func (p restMethodProperties) id() string {
	return p.RestApiId + "|" + p.ResourceId + "|" + p.HttpMethod
}

func restMethods(service *apigateway.Service) cloudformation.Provider {
	made := func(p restMethodProperties, err error) (cloudformation.Resource, error) {
		return made(p.id(), nil, err)
	}
	return resource[restMethodProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"RestApiId", "ResourceId", "HttpMethod", "AuthorizationType", "AuthorizerId", "ApiKeyRequired", "OperationName", "RequestParameters", "Integration", "MethodResponses"},
			Required:   []string{"RestApiId", "ResourceId", "HttpMethod", "Integration"},
			CreateOnly: []string{"RestApiId", "ResourceId", "HttpMethod"},
		},
		// Nothing on a method could hold a token. But a resource has one of a name, and of another
		// stack's the function is another.
		find: func(r cloudformation.Request, p restMethodProperties) (cloudformation.Resource, string, bool) {
			m, err := service.GetMethod(p.RestApiId, p.ResourceId, p.HttpMethod)
			got, _ := made(p, nil)
			token := ""
			if m.MethodIntegration.URI == p.Integration.Uri && m.MethodIntegration.Type == p.Integration.Type {
				token = r.Token
			}
			return got, token, err == nil
		},
		create: func(_ context.Context, _ cloudformation.Request, p restMethodProperties) (cloudformation.Resource, error) {
			_, err := service.CreateMethod(p.RestApiId, p.ResourceId, p.input())
			return made(p, err)
		},
		update: func(_ context.Context, _ cloudformation.Request, p restMethodProperties) (cloudformation.Resource, error) {
			_, err := service.UpdateMethod(p.RestApiId, p.ResourceId, p.input())
			return made(p, err)
		},
		remove: func(_ context.Context, r cloudformation.Request, _ restMethodProperties) error {
			part := strings.SplitN(r.PhysicalID, "|", 3)
			return service.DeleteMethod(part[0], part[1], part[2])
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-deployment.html
type restDeploymentProperties struct{ RestApiId, Description, StageName string }

func restDeployments(service *apigateway.Service) cloudformation.Provider {
	return apiPart[restDeploymentProperties, restDeploymentProperties, apigateway.RestDeployment]{
		schema: cloudformation.Schema{
			Properties: []string{"RestApiId", "Description", "StageName"},
			Required:   []string{"RestApiId"},
			CreateOnly: []string{"RestApiId", "Description", "StageName"},
			Attributes: []string{"DeploymentId"},
		},
		api: func(p restDeploymentProperties) string { return p.RestApiId }, input: itself[restDeploymentProperties],
		id:  func(d apigateway.RestDeployment) string { return d.ID },
		get: service.GetRestDeployment,
		create: func(api string, p restDeploymentProperties) (apigateway.RestDeployment, error) {
			return service.CreateRestDeployment(api, p.Description, p.StageName)
		},
		remove: service.DeleteRestDeployment,
	}.provider()
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-stage.html
type restStageProperties struct {
	RestApiId      string
	StageName      string
	DeploymentId   string
	Description    string
	Variables      map[string]string
	MethodSettings []struct {
		ResourcePath, HttpMethod string
		ThrottlingRateLimit      *float64
		ThrottlingBurstLimit     *int
		MetricsEnabled           bool
	}
	Tags tags
}

func (p restStageProperties) input(r cloudformation.Request) apigateway.RestStageInput {
	in := apigateway.RestStageInput{StageName: p.StageName, DeploymentID: p.DeploymentId, Description: p.Description, Variables: p.Variables, Tags: withToken(r, p.Tags.toMap())}
	for _, s := range p.MethodSettings {
		in.MethodSettings = append(in.MethodSettings, apigateway.MethodSetting{ResourcePath: s.ResourcePath, HTTPMethod: s.HttpMethod,
			RouteSettings: apigateway.RouteSettings{ThrottlingRateLimit: s.ThrottlingRateLimit, ThrottlingBurstLimit: s.ThrottlingBurstLimit, DetailedMetricsEnabled: s.MetricsEnabled}})
	}
	return in
}

func restStages(service *apigateway.Service) cloudformation.Provider {
	made := func(s apigateway.RestStage, err error) (cloudformation.Resource, error) {
		return made(s.StageName, nil, err)
	}
	return resource[restStageProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"RestApiId", "StageName", "DeploymentId", "Description", "Variables", "MethodSettings", "Tags"},
			Required:   []string{"RestApiId", "StageName", "DeploymentId"},
			CreateOnly: []string{"RestApiId", "StageName"},
		},
		find: func(_ cloudformation.Request, p restStageProperties) (cloudformation.Resource, string, bool) {
			s, err := service.GetRestStage(p.RestApiId, p.StageName)
			got, _ := made(s, nil)
			return got, s.Tags[tokenTag], err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p restStageProperties) (cloudformation.Resource, error) {
			return made(service.CreateRestStage(p.RestApiId, p.input(r)))
		},
		update: func(_ context.Context, r cloudformation.Request, p restStageProperties) (cloudformation.Resource, error) {
			return made(service.UpdateRestStage(p.RestApiId, p.input(r)))
		},
		remove: func(_ context.Context, r cloudformation.Request, p restStageProperties) error {
			return service.DeleteRestStage(p.RestApiId, p.StageName)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-account.html
type gatewayAccountProperties struct{ CloudWatchRoleArn string }

// gatewayAccount is of the account, which is always there: it is set, and stays when the resource
// goes, as on AWS.
func gatewayAccount(service *apigateway.Service) cloudformation.Provider {
	set := func(_ context.Context, r cloudformation.Request, p gatewayAccountProperties) (cloudformation.Resource, error) {
		id := physical(r, "", 64, asItIs)
		return made(id, map[string]any{"Id": id}, service.UpdateAccount(apigateway.Account{CloudWatchRoleARN: p.CloudWatchRoleArn}))
	}
	return resource[gatewayAccountProperties]{
		schema: cloudformation.Schema{Properties: []string{"CloudWatchRoleArn"}, Attributes: []string{"Id"}},
		find: func(r cloudformation.Request, _ gatewayAccountProperties) (cloudformation.Resource, string, bool) {
			got, _ := made(r.PhysicalID, map[string]any{"Id": r.PhysicalID}, nil)
			return got, "", r.PhysicalID != ""
		},
		create: set,
		update: set,
		remove: func(context.Context, cloudformation.Request, gatewayAccountProperties) error { return nil },
	}
}
