package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// lambdaGuard asks a function who may call, and remembers what it said.
type lambdaGuard struct {
	config   *Config
	id, name string // of the authorizer
	apiID    string
	function string
	kind     lambdaAuthorizer
	sources  []string       // what a request must have, e.g. $request.header.Authorization
	valid    *regexp.Regexp // what a TOKEN must be like; nil takes any
	timeout  time.Duration
	verdicts verdicts
}

// lambdaAuthorizer is in which words an authorizer's function is asked.
type lambdaAuthorizer struct {
	rest    bool // a REST API's, of payload format 1.0
	token   bool // a REST API's that is given the token alone
	format1 bool // payload format 1.0
	simple  bool // the answer is isAuthorized, not a policy
}

// authorizerTimeout is how long an HTTP API waits for an authorizer's function:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const authorizerTimeout = 10 * time.Second

func newLambdaGuard(c *Config, a Authorizer, apiID string) *lambdaGuard {
	arn, _ := function(a.AuthorizerURI)
	return &lambdaGuard{config: c, id: a.AuthorizerID, name: a.Name, apiID: apiID, function: arn, sources: a.IdentitySource, timeout: authorizerTimeout,
		kind:     lambdaAuthorizer{format1: a.AuthorizerPayloadFormatVersion == "1.0", simple: a.EnableSimpleResponses},
		verdicts: verdicts{ttl: time.Duration(a.AuthorizerResultTTLInSeconds) * time.Second}}
}

func (g *lambdaGuard) check(req *request) *refusal {
	identity := make([]string, len(g.sources))
	for i, source := range g.sources {
		if identity[i] = req.identity(source); identity[i] == "" {
			return refuse(unauthenticated, "the request has no %s", source)
		}
	}
	if g.valid != nil && !g.valid.MatchString(identity[0]) {
		return refuse(unauthenticated, "%s is not as the IdentityValidationExpression %s of the authorizer %s wants it", g.sources[0], g.valid, g.name)
	}
	key := strings.Join(identity, "\x00")
	v, ok := g.verdicts.find(key, req.start)
	if !ok {
		asked := time.Now()
		var refused *refusal
		if v, refused = g.ask(req, identity); refused != nil {
			return refused
		}
		v.latency = time.Since(asked)
		g.verdicts.keep(key, v, req.start)
	}
	arn := req.methodARN(g.config)
	switch kind := v.decide(arn); kind {
	case 0:
		req.authorizer = g.told(req, v)
		return nil
	case explicitlyDenied:
		return refuse(kind, "the policy of the authorizer %s denies %s", g.name, arn)
	default:
		return refuse(kind, "the authorizer %s does not allow %s", g.name, arn)
	}
}

// ask invokes the authorizer's function.
func (g *lambdaGuard) ask(req *request, identity []string) (verdict, *refusal) {
	if req.trace == "" {
		req.trace = traceID(req.Header, req.start)
	}
	payload, p := g.config.invoke(req.Request, g.timeout, Call{
		Function: g.function, Payload: g.event(req, identity), TraceID: req.trace, Principal: gatewayPrincipal,
		SourceARN: g.config.executeARN(g.apiID, "authorizers") + "/" + g.id,
	})
	if p != nil && g.kind.rest && p.errorMessage() == "Unauthorized" {
		return verdict{}, refuse(unauthenticated, "the authorizer %s says: Unauthorized", g.name)
	}
	if p != nil {
		return verdict{}, refuse(undecided, "the authorizer %s: %s", g.name, p.reason)
	}
	v, err := g.kind.parse(payload)
	if err != nil {
		return verdict{}, refuse(undecided, "the authorizer %s answered %s: %v", g.name, cut(payload), err)
	}
	return v, nil
}

// event is what the function is asked with.
//
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html#http-api-lambda-authorizer.payload-format
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
func (g *lambdaGuard) event(req *request, identity []string) []byte {
	b := []byte{'{'}
	arn := req.methodARN(g.config)
	if g.kind.token {
		b = append(b, `"type":"TOKEN",`...)
		b = appendMember(b, "methodArn", arn)
		b = append(b, ',')
		b = appendMember(b, "authorizationToken", identity[0])
		return append(b, '}')
	}
	if !g.kind.format1 {
		b = append(b, `"version":"2.0","type":"REQUEST",`...)
		b = appendMember(b, "routeArn", arn)
		b = append(b, `,"identitySource":`...)
		b = append(b, jsonOf(identity)...)
		b = append(b, ',')
		b = req.appendRequest(b)
		b = append(b, req.stage.variables...)
		return append(b, '}')
	}
	e := &event1{path: req.rest, resourceID: req.route.resource, extendedID: req.extendedID}
	if !g.kind.rest {
		e.version, e.path = true, req.URL.Path
		b = append(b, `"version":"1.0",`...)
	}
	b = append(b, `"type":"REQUEST",`...)
	b = appendMember(b, "methodArn", arn)
	b = append(b, ',')
	if !g.kind.rest {
		all := strings.Join(identity, ",")
		b = appendMember(b, "identitySource", all)
		b = append(b, ',')
		b = appendMember(b, "authorizationToken", all)
		b = append(b, ',')
	}
	b = req.appendRequest1(b, e)
	return append(b, '}')
}

// parse reads what the function answered.
//
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html#http-api-lambda-authorizer.payload-format-response
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
func (k lambdaAuthorizer) parse(payload []byte) (verdict, error) {
	var said struct {
		IsAuthorized   *bool           `json:"isAuthorized"`
		PrincipalID    *string         `json:"principalId"`
		PolicyDocument json.RawMessage `json:"policyDocument"`
		Context        map[string]json.RawMessage
	}
	err := json.Unmarshal(payload, &said)
	switch {
	case k.simple && (err != nil || said.IsAuthorized == nil):
		return verdict{}, errors.New(`expected {"isAuthorized": true or false, "context": {…}}`)
	case !k.simple && (err != nil || said.PrincipalID == nil || said.PolicyDocument == nil):
		return verdict{}, errors.New(`expected {"principalId": "…", "policyDocument": {"Version": "2012-10-17", "Statement": […]}, "context": {…}}`)
	}
	v := verdict{context: said.Context}
	if k.simple {
		v.allowed = *said.IsAuthorized
		return v, nil
	}
	p, err := parsePolicy(said.PolicyDocument)
	if err != nil {
		return verdict{}, err
	}
	v.policy, v.principal = &p, *said.PrincipalID
	if k.rest {
		for name, value := range v.context {
			if v.context[name], err = stringified(value); err != nil {
				return verdict{}, fmt.Errorf("context: %s: %w", name, err)
			}
		}
	}
	return v, nil
}

// stringified is a value of the context as a REST API passes it on: as a string. Objects and lists are
// not allowed there.
func stringified(value json.RawMessage) (json.RawMessage, error) {
	text, err := scalar(value)
	if err != nil {
		return nil, err
	}
	return appendString(nil, text), nil
}

// told is what the event says of the authorizer: requestContext.authorizer.
func (g *lambdaGuard) told(req *request, v verdict) []byte {
	switch {
	case g.kind.rest:
		all := map[string]any{"principalId": v.principal, "integrationLatency": v.latency.Milliseconds()}
		for name, value := range v.context {
			all[name] = value
		}
		return jsonOf(all)
	case v.context == nil:
		return nil
	case req.route.format1: // which has the context's members where 2.0 has them below lambda
		return jsonOf(v.context)
	}
	return jsonOf(map[string]any{"lambda": v.context})
}

// jsonOf is the JSON of what marshals always: strings, numbers, and what was JSON already.
func jsonOf(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
