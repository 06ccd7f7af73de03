package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-authorizer.html
type authorizerProperties struct {
	ApiId                          string
	Name                           string
	AuthorizerType                 string
	AuthorizerUri                  string
	AuthorizerPayloadFormatVersion string
	EnableSimpleResponses          bool
	IdentitySource                 []string
	AuthorizerResultTtlInSeconds   int
	JwtConfiguration               *jwtConfiguration
}

// The fields are those of apigateway.JWTConfiguration.
type jwtConfiguration struct {
	Audience []string
	Issuer   string
}

func (p authorizerProperties) input() apigateway.AuthorizerInput {
	return apigateway.AuthorizerInput{Name: p.Name, AuthorizerType: p.AuthorizerType, AuthorizerURI: p.AuthorizerUri,
		AuthorizerPayloadFormatVersion: p.AuthorizerPayloadFormatVersion, EnableSimpleResponses: p.EnableSimpleResponses,
		IdentitySource: p.IdentitySource, AuthorizerResultTTLInSeconds: p.AuthorizerResultTtlInSeconds,
		JWTConfiguration: (*apigateway.JWTConfiguration)(p.JwtConfiguration)}
}

func authorizers(service *apigateway.Service) cloudformation.Provider {
	made := func(a apigateway.Authorizer, err error) (cloudformation.Resource, error) {
		return made(a.AuthorizerID, map[string]any{"AuthorizerId": a.AuthorizerID}, err)
	}
	return resource[authorizerProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "Name", "AuthorizerType", "AuthorizerUri", "AuthorizerPayloadFormatVersion", "EnableSimpleResponses",
				"IdentitySource", "AuthorizerResultTtlInSeconds", "JwtConfiguration"},
			Required:   []string{"ApiId", "Name", "AuthorizerType"},
			CreateOnly: []string{"ApiId"},
			Attributes: []string{"AuthorizerId"},
		},
		find: byID(func(p authorizerProperties, id string) (apigateway.Authorizer, error) {
			return service.GetAuthorizer(p.ApiId, id)
		}, made),
		create: func(_ context.Context, _ cloudformation.Request, p authorizerProperties) (cloudformation.Resource, error) {
			return made(service.CreateAuthorizer(p.ApiId, p.input()))
		},
		update: func(_ context.Context, r cloudformation.Request, p authorizerProperties) (cloudformation.Resource, error) {
			return made(service.UpdateAuthorizer(p.ApiId, r.PhysicalID, p.input()))
		},
		remove: func(_ context.Context, r cloudformation.Request, p authorizerProperties) error {
			return service.DeleteAuthorizer(p.ApiId, r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-authorizer.html
type restAuthorizerProperties struct {
	RestApiId                    string
	Name                         string
	Type                         string
	AuthorizerUri                string
	IdentitySource               string
	IdentityValidationExpression string
	AuthorizerResultTtlInSeconds *int
}

func (p restAuthorizerProperties) input() apigateway.RestAuthorizerInput {
	return apigateway.RestAuthorizerInput{Name: p.Name, Type: p.Type, AuthorizerURI: p.AuthorizerUri, IdentitySource: p.IdentitySource,
		IdentityValidationExpression: p.IdentityValidationExpression, AuthorizerResultTTLInSeconds: p.AuthorizerResultTtlInSeconds}
}

func restAuthorizers(service *apigateway.Service) cloudformation.Provider {
	made := func(a apigateway.RestAuthorizer, err error) (cloudformation.Resource, error) {
		return made(a.ID, map[string]any{"AuthorizerId": a.ID}, err)
	}
	return resource[restAuthorizerProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"RestApiId", "Name", "Type", "AuthorizerUri", "IdentitySource", "IdentityValidationExpression", "AuthorizerResultTtlInSeconds"},
			Required:   []string{"RestApiId", "Name", "Type"},
			CreateOnly: []string{"RestApiId"},
			Attributes: []string{"AuthorizerId"},
		},
		find: byID(func(p restAuthorizerProperties, id string) (apigateway.RestAuthorizer, error) {
			return service.GetRestAuthorizer(p.RestApiId, id)
		}, made),
		create: func(_ context.Context, _ cloudformation.Request, p restAuthorizerProperties) (cloudformation.Resource, error) {
			return made(service.CreateRestAuthorizer(p.RestApiId, p.input()))
		},
		update: func(_ context.Context, r cloudformation.Request, p restAuthorizerProperties) (cloudformation.Resource, error) {
			return made(service.UpdateRestAuthorizer(p.RestApiId, r.PhysicalID, p.input()))
		},
		remove: func(_ context.Context, r cloudformation.Request, p restAuthorizerProperties) error {
			return service.DeleteRestAuthorizer(p.RestApiId, r.PhysicalID)
		},
	}
}
