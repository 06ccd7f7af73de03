package apigateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const askerURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + asker + "/invocations"

// guardREST gives all methods of a REST API an authorizer, and deploys it.
func guardREST(t testing.TB, s *Service, api RestAPI, in RestAuthorizerInput) RestAuthorizer {
	t.Helper()
	in.Name, in.AuthorizerURI = "asker", askerURI
	auth, err := s.CreateRestAuthorizer(api.ID, in)
	must(t, err)
	all, err := s.ListResources(api.ID)
	must(t, err)
	for _, resource := range all {
		for method, m := range resource.Methods {
			_, err := s.UpdateMethod(api.ID, resource.ID, MethodInput{HTTPMethod: method, AuthorizationType: "CUSTOM", AuthorizerID: auth.ID, Integration: m.MethodIntegration})
			must(t, err)
		}
	}
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	return auth
}

func TestATokenAuthorizer(t *testing.T) {
	t.Parallel()
	j := &judge{}
	s := openService(t, Config{Invoker: j})
	api := newTestREST(t, s, RestAPIInput{}, "GET /pets/{id}", "POST /pets")
	auth := guardREST(t, s, api, RestAuthorizerInput{Type: "TOKEN", IdentitySource: "method.request.header.Authorization", IdentityValidationExpression: "Bearer [a-z]+",
		AuthorizerResultTTLInSeconds: new(0)})
	f := func(token string, wantStatus int, wantKind, wantBody string, wantAsked int32) {
		t.Helper()
		j.asked.Store(0)
		j.forget()
		headers := []string{}
		if token != "" {
			headers = []string{"Authorization", token}
		}
		res, body := get(t, "GET", s.Endpoint(api.ID)+"/prod/pets/1", nil, headers...)
		if res.StatusCode != wantStatus || res.Header.Get("X-Amzn-Errortype") != wantKind || body != wantBody || j.asked.Load() != wantAsked || (j.event().Payload != nil) != (wantStatus == 200) {
			t.Errorf("%d %s %s after %d questions, want %d %s %s after %d", res.StatusCode, res.Header.Get("X-Amzn-Errortype"), body, j.asked.Load(),
				wantStatus, wantKind, wantBody, wantAsked)
		}
	}
	const unauthorized = `{"message":"Unauthorized"}`
	f("", 401, "UnauthorizedException", unauthorized, 0)
	f("Bearer 7", 401, "UnauthorizedException", unauthorized, 0)
	execute := "arn:aws:execute-api:us-east-1:000000000000:" + api.ID
	j.say(policyFor("Allow", execute+"/prod/GET/pets/1"))
	f("Bearer x", 200, "", "", 1)
	var asked map[string]string
	must(t, json.Unmarshal(j.question().Payload, &asked))
	if diff := cmp.Diff(map[string]string{"type": "TOKEN", "methodArn": execute + "/prod/GET/pets/1", "authorizationToken": "Bearer x"}, asked); diff != "" {
		t.Error(diff)
	}
	if j.question().SourceARN != execute+"/authorizers/"+auth.ID || j.question().Principal != "apigateway.amazonaws.com" {
		t.Errorf("asked as %+v", j.question())
	}
	var e events.APIGatewayProxyRequest
	must(t, json.Unmarshal(j.event().Payload, &e))
	told := e.RequestContext.Authorizer
	if latency, ok := told["integrationLatency"].(float64); !ok || latency < 0 {
		t.Errorf("integrationLatency is %v", told["integrationLatency"])
	}
	delete(told, "integrationLatency")
	if diff := cmp.Diff(map[string]any{"principalId": "p", "user": "7", "n": "1", "ok": "true"}, told); diff != "" {
		t.Error(diff)
	}
	j.say(policyFor("Allow", execute+"/prod/POST/pets"))
	f("Bearer x", 403, "AccessDeniedException", `{"message":"User is not authorized to access this resource"}`, 1)
	j.say(policyFor("Deny", "*"))
	f("Bearer x", 403, "AccessDeniedException", `{"message":"User is not authorized to access this resource with an explicit deny"}`, 1)
	j.say(`{"isAuthorized":true}`)
	f("Bearer x", 500, "AuthorizerConfigurationException", `{"message":null}`, 1)
	j.say(strings.Replace(policyFor("Allow", "*"), `"n":1`, `"n":[1]`, 1))
	f("Bearer x", 500, "AuthorizerConfigurationException", `{"message":null}`, 1)
	j.fail("Unhandled", `{"errorMessage":"Unauthorized","errorType":"errorString"}`)
	f("Bearer x", 401, "UnauthorizedException", unauthorized, 1)
	j.fail("Unhandled", `{"errorMessage":"out of luck"}`)
	f("Bearer x", 500, "AuthorizerConfigurationException", `{"message":null}`, 1)

	if err := s.DeleteRestAuthorizer(api.ID, auth.ID); awsproto.From(err).Code != "ConflictException" {
		t.Errorf("an authorizer in use is deleted: %v", err)
	}
	// A stage serves the authorizer as it was deployed.
	j.say(policyFor("Allow", "*"))
	_, err := s.UpdateRestAuthorizer(api.ID, auth.ID, RestAuthorizerInput{Name: "asker", AuthorizerURI: askerURI, Type: "TOKEN", IdentitySource: "method.request.header.Other"})
	must(t, err)
	f("Bearer x", 200, "", "", 1)
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	f("Bearer x", 401, "UnauthorizedException", unauthorized, 0)
}

func TestARequestAuthorizer(t *testing.T) {
	t.Parallel()
	j := &judge{says: policyFor("Allow", "*/GET/pets/*")}
	s := openService(t, Config{Invoker: j})
	api := newTestREST(t, s, RestAPIInput{}, "GET /pets/{id}", "POST /pets")
	guardREST(t, s, api, RestAuthorizerInput{Type: "REQUEST", IdentitySource: "method.request.header.Who, method.request.querystring.k,context.identity.sourceIp"})
	f := func(method, path string, wantStatus int, wantAsked int32, headers ...string) {
		t.Helper()
		j.asked.Store(0)
		if res, body := get(t, method, s.Endpoint(api.ID)+"/prod"+path, nil, headers...); res.StatusCode != wantStatus || j.asked.Load() != wantAsked {
			t.Errorf("%s %s: %d %s after %d questions, want %d after %d", method, path, res.StatusCode, body, j.asked.Load(), wantStatus, wantAsked)
		}
	}
	f("GET", "/pets/1", 401, 0, "Who", "me")
	f("GET", "/pets/1?k=1", 401, 0)
	f("GET", "/pets/1?k=1", 200, 1, "Who", "me")
	var e events.APIGatewayCustomAuthorizerRequestTypeRequest
	must(t, json.Unmarshal(j.question().Payload, &e))
	is := []any{e.Type, e.MethodArn, e.Resource, e.Path, e.HTTPMethod, e.Headers["Who"], e.MultiValueHeaders["Who"], e.QueryStringParameters, e.PathParameters,
		e.RequestContext.Path, e.RequestContext.Stage, e.RequestContext.APIID, e.RequestContext.ResourceID, e.RequestContext.Identity.SourceIP}
	want := []any{"REQUEST", "arn:aws:execute-api:us-east-1:000000000000:" + api.ID + "/prod/GET/pets/1", "/pets/{id}", "/pets/1", "GET", "me", []string{"me"},
		map[string]string{"k": "1"}, map[string]string{"id": "1"}, "/prod/pets/1", "prod", api.ID, resourceAt(t, s, api, "/pets/{id}").ID, "127.0.0.1"}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	// For five minutes the policy is asked, not the function: about other methods, too.
	f("GET", "/pets/2?k=1", 200, 0, "Who", "me")
	f("POST", "/pets?k=1", 403, 0, "Who", "me")
	f("GET", "/pets/2?k=1", 200, 1, "Who", "you")
}

func TestRESTAuthorizersThatAreRefused(t *testing.T) {
	t.Parallel()
	f := func(want string, edit func(*RestAuthorizerInput)) {
		t.Helper()
		in := RestAuthorizerInput{Name: "a", Type: "TOKEN", AuthorizerURI: askerURI, IdentitySource: "method.request.header.A"}
		if _, err := in.authorizer("id"); err != nil {
			t.Error(err)
		}
		edit(&in)
		if _, err := in.authorizer("id"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("there are no user pools", func(in *RestAuthorizerInput) { in.Type = "COGNITO_USER_POOLS" })
	f("a Name", func(in *RestAuthorizerInput) { in.Name = "" })
	f("AuthorizerUri", func(in *RestAuthorizerInput) { in.AuthorizerURI = asker })
	f("is 3601", func(in *RestAuthorizerInput) { in.AuthorizerResultTTLInSeconds = new(3601) })
	f("of TOKEN it is", func(in *RestAuthorizerInput) { in.IdentitySource = "method.request.querystring.a" })
	f("no IdentitySource", func(in *RestAuthorizerInput) { in.Type, in.IdentitySource = "REQUEST", "" })
	f("of the type TOKEN", func(in *RestAuthorizerInput) { in.Type, in.IdentityValidationExpression = "REQUEST", "x" })
	f("method.request.path.a", func(in *RestAuthorizerInput) { in.Type, in.IdentitySource = "REQUEST", "method.request.path.a" })
	f("IdentityValidationExpression", func(in *RestAuthorizerInput) { in.IdentityValidationExpression = "(" })
}
