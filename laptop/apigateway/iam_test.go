package apigateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
)

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// sign gives the headers that an SDK signs a GET with.
func sign(t testing.TB, url, service string) []string {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	must(t, err)
	must(t, v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "any"}, r, emptyHash, service, "us-east-1", time.Now()))
	return []string{"Authorization", r.Header.Get("Authorization"), "X-Amz-Date", r.Header.Get("X-Amz-Date")}
}

// presigned is a URL that an SDK has put the signature into.
func presigned(t testing.TB, url, service string) string {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	must(t, err)
	out, _, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "any"}, r, emptyHash, service, "us-east-1", time.Now())
	must(t, err)
	return out
}

// A route with AWS_IAM wants a signature, whoever made it, and tells the function whose it is.
func TestARouteWithIAM(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":200}`}
	s := openService(t, Config{Invoker: r})
	api := newTestAPI(t, s, "GET /a/{id}")
	authorize(t, s, api, RouteInput{AuthorizationType: "AWS_IAM"})
	url := s.Endpoint(api.APIID) + "/a/1"
	f := func(url string, wantStatus int, headers ...string) {
		t.Helper()
		r.forget()
		res, body := get(t, "GET", url, nil, headers...)
		if res.StatusCode != wantStatus || (r.last().Payload != nil) != (wantStatus == 200) || wantStatus == 403 && body != `{"message":"Forbidden"}` {
			t.Errorf("%d %s, want %d", res.StatusCode, body, wantStatus)
		}
	}
	f(url, 403)
	f(url, 403, "Authorization", "Bearer x")
	f(url, 403, sign(t, url, "lambda")...)
	f(presigned(t, url, "execute-api"), 200)
	f(url, 200, sign(t, url, "execute-api")...)
	var e events.APIGatewayV2HTTPRequest
	must(t, json.Unmarshal(r.last().Payload, &e))
	want := &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{AccessKey: "AKID", AccountID: "000000000000",
		CallerID: "AIDAEPHOREPHOREPHOR00", UserARN: "arn:aws:iam::000000000000:user/ephor", UserID: "AIDAEPHOREPHOREPHOR00"}
	if e.RequestContext.Authorizer == nil {
		t.Fatalf("no authorizer: %s", r.last().Payload)
	}
	if diff := cmp.Diff(want, e.RequestContext.Authorizer.IAM); diff != "" {
		t.Error(diff)
	}
	format1(t, s, api)
	f(url, 200, sign(t, url, "execute-api")...)
	var one events.APIGatewayProxyRequest
	must(t, json.Unmarshal(r.last().Payload, &one))
	if i := one.RequestContext.Identity; i.AccessKey != "AKID" || i.UserArn != "arn:aws:iam::000000000000:user/ephor" || i.AccountID != "000000000000" || i.Caller == "" || i.User == "" {
		t.Errorf("format 1.0: %+v", i)
	}
}

// authorize gives all routes of an API what in says of who may call.
func authorize(t testing.TB, s *Service, api API, in RouteInput) {
	t.Helper()
	routes, err := s.ListRoutes(api.APIID)
	must(t, err)
	for _, route := range routes {
		next := route.input()
		next.AuthorizationType, next.AuthorizerID, next.AuthorizationScopes = in.AuthorizationType, in.AuthorizerID, in.AuthorizationScopes
		_, err := s.UpdateRoute(api.APIID, route.RouteID, next)
		must(t, err)
	}
}

func TestAMethodWithIAM(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":200}`}
	s := openService(t, Config{Invoker: r})
	api := newTestREST(t, s, RestAPIInput{}, "GET /a")
	resource := resourceAt(t, s, api, "/a")
	m := resource.Methods["GET"]
	_, err := s.UpdateMethod(api.ID, resource.ID, MethodInput{HTTPMethod: "GET", AuthorizationType: "AWS_IAM", Integration: m.MethodIntegration})
	must(t, err)
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	url := s.Endpoint(api.ID) + "/prod/a"
	f := func(url string, wantStatus int, wantKind, want string, headers ...string) {
		t.Helper()
		res, body := get(t, "GET", url, nil, headers...)
		if res.StatusCode != wantStatus || res.Header.Get("X-Amzn-Errortype") != wantKind || body != want {
			t.Errorf("%d %s %s, want %d %s %s", res.StatusCode, res.Header.Get("X-Amzn-Errortype"), body, wantStatus, wantKind, want)
		}
	}
	f(url, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`)
	f(url, 403, "IncompleteSignatureException", `{"message":"'x' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer x'."}`, "Authorization", "Bearer x")
	f(url, 403, "IncompleteSignatureException", `{"message":"Credential should be scoped to correct service: 'execute-api'."}`, sign(t, url, "lambda")...)
	f(presigned(t, url, "execute-api"), 200, "", "")
	f(url, 200, "", "", sign(t, url, "execute-api")...)
	var e events.APIGatewayProxyRequest
	must(t, json.Unmarshal(r.last().Payload, &e))
	if i := e.RequestContext.Identity; i.AccessKey != "AKID" || !strings.HasSuffix(i.UserArn, ":user/ephor") || e.RequestContext.Authorizer != nil {
		t.Errorf("%+v, %v", i, e.RequestContext.Authorizer)
	}
}
