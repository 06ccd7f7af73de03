package laptop

import (
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
	return apiPart[authorizerProperties, apigateway.AuthorizerInput, apigateway.Authorizer]{
		schema: cloudformation.Schema{
			Properties: []string{"ApiId", "Name", "AuthorizerType", "AuthorizerUri", "AuthorizerPayloadFormatVersion", "EnableSimpleResponses",
				"IdentitySource", "AuthorizerResultTtlInSeconds", "JwtConfiguration"},
			Required:   []string{"ApiId", "Name", "AuthorizerType"},
			CreateOnly: []string{"ApiId"},
			Attributes: []string{"AuthorizerId"},
		},
		api: func(p authorizerProperties) string { return p.ApiId }, input: authorizerProperties.input,
		id:  func(a apigateway.Authorizer) string { return a.AuthorizerID },
		get: service.GetAuthorizer, create: service.CreateAuthorizer, update: service.UpdateAuthorizer, remove: service.DeleteAuthorizer,
	}.provider()
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
	return apiPart[restAuthorizerProperties, apigateway.RestAuthorizerInput, apigateway.RestAuthorizer]{
		schema: cloudformation.Schema{
			Properties: []string{"RestApiId", "Name", "Type", "AuthorizerUri", "IdentitySource", "IdentityValidationExpression", "AuthorizerResultTtlInSeconds"},
			Required:   []string{"RestApiId", "Name", "Type"},
			CreateOnly: []string{"RestApiId"},
			Attributes: []string{"AuthorizerId"},
		},
		api: func(p restAuthorizerProperties) string { return p.RestApiId }, input: restAuthorizerProperties.input,
		id:  func(a apigateway.RestAuthorizer) string { return a.ID },
		get: service.GetRestAuthorizer, create: service.CreateRestAuthorizer, update: service.UpdateRestAuthorizer, remove: service.DeleteRestAuthorizer,
	}.provider()
}
