package apigateway

import (
	"regexp"
	"slices"
)

// AuthorizerInput is what AWS::ApiGatewayV2::Authorizer takes for what decides who may call: a function
// (REQUEST) or an issuer's tokens (JWT).
//
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type AuthorizerInput struct {
	Name           string
	AuthorizerType string // REQUEST or JWT
	// AuthorizerURI names the function of REQUEST, as an integration's URI does.
	AuthorizerURI string
	// AuthorizerPayloadFormatVersion is 1.0 or 2.0 for REQUEST and "" for JWT.
	AuthorizerPayloadFormatVersion string
	// EnableSimpleResponses, with format 2.0: the function answers isAuthorized, otherwise a policy.
	EnableSimpleResponses bool
	// IdentitySource are what a request must have to be asked about at all, such as
	// $request.header.Authorization; they are the key of the cache, too. JWT has one, for the token.
	IdentitySource []string
	// AuthorizerResultTTLInSeconds keeps answers of REQUEST that long, 3600 at most; 0 keeps none.
	AuthorizerResultTTLInSeconds int
	// JWTConfiguration is of JWT.
	JWTConfiguration *JWTConfiguration
}

// Authorizer decides who may call. Its JSON is the one of GetAuthorizer.
type Authorizer struct {
	AuthorizerID                   string            `json:"authorizerId"`
	Name                           string            `json:"name"`
	AuthorizerType                 string            `json:"authorizerType"`
	AuthorizerURI                  string            `json:"authorizerUri,omitempty"`
	AuthorizerPayloadFormatVersion string            `json:"authorizerPayloadFormatVersion,omitempty"`
	EnableSimpleResponses          bool              `json:"enableSimpleResponses,omitempty"`
	IdentitySource                 []string          `json:"identitySource,omitempty"`
	AuthorizerResultTTLInSeconds   int               `json:"authorizerResultTtlInSeconds,omitempty"`
	JWTConfiguration               *JWTConfiguration `json:"jwtConfiguration,omitempty"`
}

// The types of authorizers.
const (
	authorizerREQUEST = "REQUEST"
	authorizerTOKEN   = "TOKEN" // REST APIs'
	authorizerJWT     = "JWT"   // HTTP APIs'
)

var identitySource = regexp.MustCompile(`^\$(request\.(header|querystring)\.[\w-]+|stageVariables\.\w+|context\.(httpMethod|path|routeKey|stage))$`)

func (in AuthorizerInput) authorizer(id string) (Authorizer, error) {
	if in.Name == "" {
		return Authorizer{}, badRequest("an authorizer needs a Name")
	}
	var err error
	switch in.AuthorizerType {
	case authorizerREQUEST:
		err = in.checkREQUEST()
	case authorizerJWT:
		err = in.checkJWT()
	default:
		err = badRequest("AuthorizerType %q: an HTTP API has REQUEST and JWT", in.AuthorizerType)
	}
	if err != nil {
		return Authorizer{}, err
	}
	for _, source := range in.IdentitySource {
		if !identitySource.MatchString(source) {
			return Authorizer{}, badRequest("IdentitySource %q: on the laptop it is $request.header.NAME, $request.querystring.NAME, $stageVariables.NAME or "+
				"$context.httpMethod, path, routeKey or stage", source)
		}
	}
	return Authorizer{AuthorizerID: id, Name: in.Name, AuthorizerType: in.AuthorizerType, AuthorizerURI: in.AuthorizerURI,
		AuthorizerPayloadFormatVersion: in.AuthorizerPayloadFormatVersion, EnableSimpleResponses: in.EnableSimpleResponses,
		IdentitySource: slices.Clone(in.IdentitySource), AuthorizerResultTTLInSeconds: in.AuthorizerResultTTLInSeconds,
		JWTConfiguration: in.JWTConfiguration.clone()}, nil
}

func (in AuthorizerInput) checkREQUEST() error {
	switch arn, _ := function(in.AuthorizerURI); {
	case !functionARN.MatchString(arn): // which has no stage variables in it
		return badRequest("AuthorizerUri %q does not name a Lambda function", in.AuthorizerURI)
	case in.AuthorizerPayloadFormatVersion != "1.0" && in.AuthorizerPayloadFormatVersion != "2.0":
		return badRequest("authorizer %q: AuthorizerPayloadFormatVersion %q: it is 1.0 or 2.0", in.Name, in.AuthorizerPayloadFormatVersion)
	case in.EnableSimpleResponses && in.AuthorizerPayloadFormatVersion != "2.0":
		return badRequest("authorizer %q: EnableSimpleResponses takes AuthorizerPayloadFormatVersion 2.0", in.Name)
	case in.AuthorizerResultTTLInSeconds < 0 || in.AuthorizerResultTTLInSeconds > maxAuthorizerTTL:
		return badRequest("AuthorizerResultTtlInSeconds is %d; it may be 0 to %d", in.AuthorizerResultTTLInSeconds, maxAuthorizerTTL)
	case in.AuthorizerResultTTLInSeconds > 0 && len(in.IdentitySource) == 0:
		return badRequest("authorizer %q keeps answers (AuthorizerResultTtlInSeconds) but has no IdentitySource to know them by", in.Name)
	case in.JWTConfiguration != nil:
		return badRequest("authorizer %q: JwtConfiguration is of the type JWT", in.Name)
	}
	return nil
}

// maxAuthorizerTTL bounds how many seconds answers are kept.
const maxAuthorizerTTL = 3600

// CreateAuthorizer adds an authorizer to an API.
func (s *Service) CreateAuthorizer(apiID string, in AuthorizerInput) (Authorizer, error) {
	out, err := in.authorizer(newID(6))
	if err != nil {
		return Authorizer{}, err
	}
	return out, s.change(apiID, func(r *record) error { r.Authorizers[out.AuthorizerID] = out; return nil })
}

// UpdateAuthorizer replaces an authorizer.
func (s *Service) UpdateAuthorizer(apiID, authorizerID string, in AuthorizerInput) (Authorizer, error) {
	out, err := in.authorizer(authorizerID)
	if err != nil {
		return Authorizer{}, err
	}
	return out, s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Authorizers, "Authorizer", authorizerID); err != nil {
			return err
		}
		r.Authorizers[authorizerID] = out
		return nil
	})
}

// GetAuthorizer finds an authorizer.
func (s *Service) GetAuthorizer(apiID, authorizerID string) (Authorizer, error) {
	return part(s.view, apiID, func(r *record) map[string]Authorizer { return r.Authorizers }, "Authorizer", authorizerID)
}

// ListAuthorizers are an API's authorizers, by their IDs.
func (s *Service) ListAuthorizers(apiID string) ([]Authorizer, error) {
	return parts(s.view, apiID, func(r *record) map[string]Authorizer { return r.Authorizers })
}

// DeleteAuthorizer removes an authorizer that no route has.
func (s *Service) DeleteAuthorizer(apiID, authorizerID string) error {
	return s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Authorizers, "Authorizer", authorizerID); err != nil {
			return err
		}
		for _, route := range r.Routes {
			if route.AuthorizerID == authorizerID {
				return conflict("Cannot delete authorizer %q, because it is referenced by route %q", authorizerID, route.RouteKey)
			}
		}
		delete(r.Authorizers, authorizerID)
		return nil
	})
}
