package apigateway

import (
	"fmt"
	"net/http"
	"strings"
)

// executeAPI is the service that requests to APIs are signed for.
const executeAPI = "execute-api"

// The authorization types of routes and methods, beside AWS_IAM.
const (
	authorizationNONE   = "NONE"
	authorizationCUSTOM = "CUSTOM" // a Lambda authorizer
	authorizationJWT    = "JWT"
)

// guard decides whether a request to a route may go on: an authorizer, or IAM.
type guard interface {
	// check refuses the request, or lets it go on and sets what its event tells of the caller
	// (request.authorizer, request.signer). It may wait for a function or for an issuer's keys.
	check(req *request) *refusal
}

// refused says why a guard does not let a request go on. What it means to the caller differs between
// HTTP APIs and REST APIs.
type refused int

const (
	unauthenticated  refused = iota + 1 // nothing says who asks, or what says it is not to be believed
	unsigned                            // IAM: there is no signature
	badlySigned                         // IAM: there is one that is none for this
	notAllowed                          // the caller is known, and is not let in
	explicitlyDenied                    // by a policy's Deny
	undecided                           // the authorizer failed
)

// refusal is a refused request. The reason is for the access log.
type refusal struct {
	kind      refused
	reason    string
	challenge string // WWW-Authenticate of a JWT authorizer
	said      string // to the caller, where that is not the kind's own text
}

func refuse(kind refused, format string, args ...any) *refusal {
	return &refusal{kind: kind, reason: fmt.Sprintf(format, args...)}
}

// failure is what an HTTP API answers: 401 without and 403 with an identity, and 500 where the
// authorizer failed.
//
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html
func (r *refusal) failure() *failure {
	f := &failure{status: http.StatusForbidden, reason: r.reason, challenge: r.challenge}
	switch r.kind {
	case unauthenticated:
		f.status = http.StatusUnauthorized
	case undecided:
		f.status = http.StatusInternalServerError
	}
	return f
}

// rest is what a REST API answers. The texts of a policy's refusals are of
// https://repost.aws/knowledge-center/api-gateway-403-error-lambda-authorizer, the null of a failed
// authorizer is public reports' (https://github.com/aws/chalice/issues/670), the statuses are of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
func (r *refusal) rest() *restFailure {
	switch r.kind {
	case unauthenticated:
		return &restFailure{http.StatusUnauthorized, "UnauthorizedException", `{"message":"Unauthorized"}`, r.reason}
	case unsigned:
		return missingToken(r.reason)
	case badlySigned:
		return &restFailure{http.StatusForbidden, "IncompleteSignatureException", message(r.said), r.reason}
	case explicitlyDenied:
		return &restFailure{http.StatusForbidden, "AccessDeniedException",
			`{"message":"User is not authorized to access this resource with an explicit deny"}`, r.reason}
	case notAllowed:
		return &restFailure{http.StatusForbidden, "AccessDeniedException", `{"message":"User is not authorized to access this resource"}`, r.reason}
	}
	return &restFailure{http.StatusInternalServerError, "AuthorizerConfigurationException", `{"message":null}`, r.reason}
}

func missingToken(reason string) *restFailure {
	return &restFailure{http.StatusForbidden, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`, reason}
}

// message is a REST API's own text as JSON.
func message(text string) string {
	return string(append(appendMember([]byte{'{'}, "message", text), '}'))
}

// guards makes the guards of routes.
type guards struct {
	config *Config
	keys   *keyring
}

// shared are the Lambda authorizers of one stage by their IDs: all its routes share what one
// remembers, as on AWS (its API forgets by the stage, too), and every change of the API forgets it.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename-cache-authorizers.html
func (g guards) shared(r *record) map[string]guard {
	out := make(map[string]guard, len(r.Authorizers))
	for id, a := range r.Authorizers {
		if a.AuthorizerType == authorizerREQUEST {
			out[id] = newLambdaGuard(g.config, a, r.API.APIID)
		}
	}
	return out
}

// of is what guards a route, nil if everybody may.
func (g guards) of(r *record, route Route, shared map[string]guard) guard {
	a, there := r.Authorizers[route.AuthorizerID]
	switch {
	case route.AuthorizationType == authorizationIAM:
		return iam{service: executeAPI, account: g.config.Account}
	case route.AuthorizerID == "":
		return nil
	case !there:
		return noGuard(route.AuthorizerID)
	case a.AuthorizerType == authorizerJWT:
		return &jwtGuard{JWTConfiguration: *a.JWTConfiguration, source: a.IdentitySource[0], scopes: route.AuthorizationScopes, keys: g.keys}
	}
	return shared[a.AuthorizerID]
}

// noGuard is an authorizer that is gone, while a deployment still serves routes that have it.
type noGuard string

func (g noGuard) check(*request) *refusal {
	return refuse(undecided, "the authorizer %s is gone", string(g))
}

// methodARN names the request itself, its path as it was sent, as policies know it:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
func (r *request) methodARN(c *Config) string {
	return c.executeARN(r.apiID, r.stage.name) + "/" + r.Method + r.rest
}

// identity is the value of an identity source.
func (r *request) identity(source string) string {
	kind, name, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(source, "$"), "request."), ".")
	switch kind {
	case "header":
		return strings.Join(r.Header.Values(name), ",")
	case "querystring":
		return query(r.URL.RawQuery)[name]
	case "stageVariables":
		return r.stage.given[name]
	}
	switch name { // of the context
	case "httpMethod":
		return r.Method
	case "path":
		return r.URL.Path
	case "routeKey":
		return r.route.key
	case "resourcePath":
		return r.route.path
	case "stage":
		return r.stage.name
	case "identity.sourceIp":
		return r.sourceIP
	}
	return ""
}
