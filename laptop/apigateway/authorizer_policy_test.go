package apigateway

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

// judge is an Invoker in which asker is an authorizer's function that says one thing, and every other
// function answers 200. It is called by the server's goroutines; tests see it through its methods.
type judge struct {
	asked atomic.Int32

	mu            sync.Mutex
	says, failure string
	asking        Call // the last question
	told          Call // the last event of another function
}

func (j *judge) Invoke(_ context.Context, c Call) (Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c.Function == asker {
		j.asked.Add(1)
		j.asking = c
		return Result{Payload: []byte(j.says), FunctionError: j.failure}, nil
	}
	j.told = c
	return Result{Payload: []byte(`{"statusCode":200}`)}, nil
}

// say is what the authorizer's function answers from now on.
func (j *judge) say(answer string) { j.fail("", answer) }

// fail is say of a function that fails.
func (j *judge) fail(failure, answer string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.says, j.failure = answer, failure
}

func (j *judge) question() Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.asking
}

func (j *judge) event() Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.told
}

// forget forgets the event.
func (j *judge) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.told = Call{}
}

// policyFor is the answer of an authorizer's function.
func policyFor(effect, resource string) string {
	return `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` + effect +
		`","Resource":"` + resource + `"}]},"context":{"user":"7","n":1,"ok":true}}`
}

// An authorizer of an HTTP API that answers with policies, in both payload formats.
func TestALambdaAuthorizerWithPolicies(t *testing.T) {
	t.Parallel()
	j := &judge{}
	s := openService(t, Config{Invoker: j})
	api := newTestAPI(t, s, "GET /a/{id}", "POST /b")
	in := AuthorizerInput{Name: "asker", AuthorizerType: "REQUEST", AuthorizerURI: asker, AuthorizerPayloadFormatVersion: "2.0",
		IdentitySource: []string{"$request.header.Authorization", "$request.querystring.k"}}
	auth, err := s.CreateAuthorizer(api.APIID, in)
	must(t, err)
	authorize(t, s, api, RouteInput{AuthorizationType: "CUSTOM", AuthorizerID: auth.AuthorizerID})
	f := func(method, path string, wantStatus int, wantBody string, wantAsked int32) {
		t.Helper()
		j.asked.Store(0)
		res, body := get(t, method, s.Endpoint(api.APIID)+path+"?k=v", strings.NewReader("four"), "Authorization", "x")
		if res.StatusCode != wantStatus || body != wantBody || j.asked.Load() != wantAsked {
			t.Errorf("%s %s: %d %s after %d questions, want %d %s after %d", method, path, res.StatusCode, body, j.asked.Load(), wantStatus, wantBody, wantAsked)
		}
	}
	const forbidden, broken = `{"message":"Forbidden"}`, `{"message":"Internal Server Error"}`
	execute := "arn:aws:execute-api:us-east-1:000000000000:" + api.APIID
	j.say(policyFor("Allow", execute+"/$default/GET/a/1"))
	f("GET", "/a/1", 200, "", 1)
	f("GET", "/a/2", 403, forbidden, 1)
	j.say(policyFor("Deny", "*"))
	f("GET", "/a/1", 403, forbidden, 1)
	j.say(`{"isAuthorized":true}`)
	f("GET", "/a/1", 500, broken, 1)
	j.say(`{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}}`)
	f("GET", "/a/1", 500, broken, 1)
	j.fail("Unhandled", `{"errorMessage":"Unauthorized"}`)
	f("GET", "/a/1", 500, broken, 1)

	// Format 1.0: the question, and what the function behind is told.
	in.AuthorizerPayloadFormatVersion, in.AuthorizerResultTTLInSeconds = "1.0", 300
	_, err = s.UpdateAuthorizer(api.APIID, auth.AuthorizerID, in)
	must(t, err)
	j.say(policyFor("Allow", execute+"/*/GET/a/*"))
	f("GET", "/a/1", 200, "", 1)
	var e events.APIGatewayV2CustomAuthorizerV1Request
	must(t, json.Unmarshal(j.question().Payload, &e))
	is := []any{e.Headers["content-length"], e.Version, e.Type, e.MethodArn, e.IdentitySource, e.AuthorizationToken, e.Resource, e.Path, e.HTTPMethod, e.Headers["authorization"], e.QueryStringParameters, e.PathParameters,
		e.RequestContext.ResourcePath, e.RequestContext.Stage}
	want := []any{"4", "1.0", "REQUEST", execute + "/$default/GET/a/1", "x,v", "x,v", "/a/{id}", "/a/1", "GET", "x", map[string]string{"k": "v"}, map[string]string{"id": "1"}, "/a/{id}", "$default"}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	var told events.APIGatewayV2HTTPRequest
	must(t, json.Unmarshal(j.event().Payload, &told))
	if diff := cmp.Diff(map[string]any{"user": "7", "n": 1.0, "ok": true}, told.RequestContext.Authorizer.Lambda); diff != "" {
		t.Error(diff)
	}
	// The answer is kept for all routes, and what the policy does not name stays forbidden.
	f("GET", "/a/2", 200, "", 0)
	f("POST", "/b", 403, forbidden, 0)
}

// A stage may serve a route whose authorizer is gone: nobody gets in.
func TestAnAuthorizerThatIsGone(t *testing.T) {
	t.Parallel()
	j := &judge{says: `{"isAuthorized":true}`}
	s := openService(t, Config{Invoker: j})
	api := newTestAPI(t, s, "GET /a")
	auth, err := s.CreateAuthorizer(api.APIID, AuthorizerInput{Name: "asker", AuthorizerType: "REQUEST", AuthorizerURI: asker, AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true})
	must(t, err)
	authorize(t, s, api, RouteInput{AuthorizationType: "CUSTOM", AuthorizerID: auth.AuthorizerID})
	_, err = s.CreateStage(api.APIID, StageInput{StageName: "old"})
	must(t, err)
	_, err = s.CreateDeployment(api.APIID, "", "old")
	must(t, err)
	authorize(t, s, api, RouteInput{})
	must(t, s.DeleteAuthorizer(api.APIID, auth.AuthorizerID))
	if res, body := get(t, "GET", s.Endpoint(api.APIID)+"/old/a", nil); res.StatusCode != 500 || j.event().Payload != nil {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
