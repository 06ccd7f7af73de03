package apigateway

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const asker = "arn:aws:lambda:us-east-1:000000000000:function:asker"

func TestALambdaAuthorizer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var last, event Call
	verdict := `{"isAuthorized":true,"context":{"user":"7","admin":false}}`
	s := openService(t, Config{Invoker: invokeFunc(func(_ context.Context, c Call) (Result, error) {
		if c.Function == asker {
			asked.Add(1)
			last = c
			return Result{Payload: []byte(verdict)}, nil
		}
		event = c
		return Result{Payload: []byte(`{"statusCode":200}`)}, nil
	})})
	api := newTestAPI(t, s, "GET /a/{id}")
	auth, err := s.CreateAuthorizer(api.APIID, AuthorizerInput{Name: "asker", AuthorizerType: "REQUEST", AuthorizerURI: asker,
		AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true, IdentitySource: []string{"$request.header.Authorization", "$request.querystring.k"}})
	must(t, err)
	routes, err := s.ListRoutes(api.APIID)
	must(t, err)
	in := routes[0].input()
	in.AuthorizationType, in.AuthorizerID = "CUSTOM", auth.AuthorizerID
	_, err = s.UpdateRoute(api.APIID, routes[0].RouteID, in)
	must(t, err)
	f := func(query string, wantStatus int, wantAsked int32, headers ...string) {
		t.Helper()
		asked.Store(0)
		event = Call{}
		res, body := get(t, "GET", s.Endpoint(api.APIID)+"/a/1?"+query, nil, headers...)
		if res.StatusCode != wantStatus || asked.Load() != wantAsked || (event.Payload != nil) != (wantStatus == 200) {
			t.Errorf("%d %s after %d questions, want %d after %d", res.StatusCode, body, asked.Load(), wantStatus, wantAsked)
		}
	}
	f("k=1", 401, 0)
	f("", 401, 0, "Authorization", "x")
	f("k=1", 200, 1, "Authorization", "x")
	var e events.APIGatewayV2CustomAuthorizerV2Request
	must(t, json.Unmarshal(last.Payload, &e))
	is := []any{e.Version, e.Type, e.RouteArn, e.IdentitySource, e.RouteKey, e.RawPath, e.PathParameters, e.RequestContext.HTTP.Method, last.Principal, last.SourceARN}
	execute := "arn:aws:execute-api:us-east-1:000000000000:" + api.APIID
	want := []any{"2.0", "REQUEST", execute + "/$default/GET/a/1", []string{"x", "1"}, "GET /a/{id}", "/a/1", map[string]string{"id": "1"}, "GET",
		"apigateway.amazonaws.com", execute + "/authorizers/" + auth.AuthorizerID}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	context := func(path ...string) any {
		t.Helper()
		var v map[string]any
		must(t, json.Unmarshal(event.Payload, &v))
		var at any = v["requestContext"].(map[string]any)["authorizer"]
		for _, p := range path {
			at = at.(map[string]any)[p]
		}
		return at
	}
	if diff := cmp.Diff(map[string]any{"user": "7", "admin": false}, context("lambda")); diff != "" {
		t.Error(diff)
	}
	format1(t, s, api)
	f("k=1", 200, 1, "Authorization", "x")
	if diff := cmp.Diff(map[string]any{"user": "7", "admin": false}, context()); diff != "" {
		t.Error(diff)
	}
	verdict = `{"isAuthorized":false}`
	f("k=1", 403, 1, "Authorization", "x")
	verdict = `"yes"`
	f("k=1", 500, 1, "Authorization", "x")
	verdict = `{"isAuthorized":true}`
	with := auth.input()
	with.AuthorizerResultTTLInSeconds = 3600
	_, err = s.UpdateAuthorizer(api.APIID, auth.AuthorizerID, with)
	must(t, err)
	f("k=1", 200, 1, "Authorization", "x")
	f("k=1", 200, 0, "Authorization", "x")
	f("k=2", 200, 1, "Authorization", "x")
	if err := s.DeleteAuthorizer(api.APIID, auth.AuthorizerID); awsproto.From(err).Code != "ConflictException" {
		t.Errorf("an authorizer in use is deleted: %v", err)
	}
}

func TestAuthorizersThatAreRefused(t *testing.T) {
	t.Parallel()
	f := func(want string, edit func(*AuthorizerInput)) {
		t.Helper()
		in := AuthorizerInput{Name: "a", AuthorizerType: "REQUEST", AuthorizerURI: asker, AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true}
		edit(&in)
		if _, err := in.authorizer("id"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("REQUEST and JWT", func(in *AuthorizerInput) { in.AuthorizerType = "TOKEN" })
	f("2.0", func(in *AuthorizerInput) { in.AuthorizerPayloadFormatVersion = "1.0" })
	f("1.0 or 2.0", func(in *AuthorizerInput) { in.AuthorizerPayloadFormatVersion = "3.0" })
	f("of the type JWT", func(in *AuthorizerInput) { in.JWTConfiguration = &JWTConfiguration{} })
	jwt := func(want string, edit func(*AuthorizerInput)) {
		t.Helper()
		f(want, func(in *AuthorizerInput) {
			*in = AuthorizerInput{Name: "a", AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"},
				JWTConfiguration: &JWTConfiguration{Audience: []string{"me"}, Issuer: "http://127.0.0.1:1"}}
			if _, err := in.authorizer("id"); err != nil {
				t.Error(err)
			}
			edit(in)
		})
	}
	jwt("an Issuer and an Audience", func(in *AuthorizerInput) { in.JWTConfiguration = nil })
	jwt("an Issuer and an Audience", func(in *AuthorizerInput) { in.JWTConfiguration.Audience = nil })
	jwt("is not on this machine", func(in *AuthorizerInput) {
		in.JWTConfiguration.Issuer = "https://cognito-idp.us-east-1.amazonaws.com/x"
	})
	jwt("is no URL", func(in *AuthorizerInput) { in.JWTConfiguration.Issuer = "me" })
	jwt("51 audiences", func(in *AuthorizerInput) { in.JWTConfiguration.Audience = make([]string, 51) })
	jwt("one IdentitySource", func(in *AuthorizerInput) { in.IdentitySource = nil })
	jwt("of the type REQUEST", func(in *AuthorizerInput) { in.AuthorizerURI = asker })
	f("Lambda function", func(in *AuthorizerInput) { in.AuthorizerURI = "http://x" })
	f("IdentitySource", func(in *AuthorizerInput) { in.IdentitySource = []string{"$request.body.x"} })
	f("no IdentitySource", func(in *AuthorizerInput) { in.AuthorizerResultTTLInSeconds = 1 })
}

func TestABucket(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	f := func(b *bucket, after time.Duration, want ...bool) {
		t.Helper()
		now = now.Add(after)
		for i, w := range want {
			if got := b.admit(now); got != w {
				t.Errorf("request %d: %v", i+1, got)
			}
		}
	}
	f(nil, 0, true, true)
	b := newBucket(new(2.0), new(3))
	f(b, 0, true, true, true, false)
	f(b, 499*time.Millisecond, false)
	f(b, time.Millisecond, true, false)
	f(b, time.Hour, true, true, true, false)
	f(newBucket(new(0.0), new(0)), time.Hour, false)
	f(newBucket(nil, new(1)), 0, true, false)
	if newBucket(nil, nil) != nil {
		t.Error("without limits there is one")
	}
}

func TestARouteIsThrottled(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`)})
	api := newTestAPI(t, s, "GET /a", "GET /b")
	_, err := s.UpdateStage(api.APIID, StageInput{StageName: "$default", AutoDeploy: true, DefaultRouteSettings: RouteSettings{ThrottlingBurstLimit: new(0)},
		RouteSettings: map[string]RouteSettings{"GET /b": {ThrottlingBurstLimit: new(1), ThrottlingRateLimit: new(0.0001)}}})
	must(t, err)
	f := func(path string, want int) {
		t.Helper()
		if res, body := get(t, "GET", s.Endpoint(api.APIID)+path, nil); res.StatusCode != want || want == 429 && body != `{"message":"Too Many Requests"}` {
			t.Errorf("%s: %d %s, want %d", path, res.StatusCode, body, want)
		}
	}
	f("/a", 429)
	f("/b", 200)
	f("/b", 429)
	if _, err := s.UpdateStage(api.APIID, StageInput{StageName: "$default", RouteSettings: map[string]RouteSettings{"GET /c": {}}}); awsproto.From(err).Status != 404 {
		t.Errorf("settings of a route that is not there: %v", err)
	}
}
