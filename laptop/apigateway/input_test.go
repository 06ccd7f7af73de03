package apigateway

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`)})
	api := newTestAPI(t, s, "GET /taken")
	f := func(err error, wantCode, wantText string) {
		t.Helper()
		if err == nil {
			t.Errorf("no error, want %s with %q", wantCode, wantText)
		} else if got := awsproto.From(err); got.Code != wantCode || !strings.Contains(got.Message, wantText) {
			t.Errorf("%v, want %s with %q", err, wantCode, wantText)
		}
	}
	create := func(in APIInput) error { _, err := s.CreateAPI(in); return err }
	f(create(APIInput{Name: "a", ProtocolType: "WEBSOCKET"}), "BadRequestException", "WEBSOCKET")
	f(create(APIInput{ProtocolType: "HTTP"}), "BadRequestException", "name")

	good := IntegrationInput{IntegrationType: "AWS_PROXY", IntegrationURI: hello, PayloadFormatVersion: "2.0"}
	integration := func(edit func(*IntegrationInput)) error {
		in := good
		edit(&in)
		_, err := s.CreateIntegration(api.APIID, in)
		return err
	}
	f(integration(func(in *IntegrationInput) { in.IntegrationType = "HTTP_PROXY" }), "BadRequestException", "HTTP_PROXY")
	f(integration(func(in *IntegrationInput) { in.IntegrationURI = "http://x" }), "BadRequestException", "http://x")
	f(integration(func(in *IntegrationInput) { in.PayloadFormatVersion = "3.0" }), "BadRequestException", "3.0")
	f(integration(func(in *IntegrationInput) { in.TimeoutInMillis = 30001 }), "BadRequestException", "30001")
	must(t, integration(func(in *IntegrationInput) {
		in.IntegrationURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + hello + ":live/invocations"
	}))

	route := func(in RouteInput) error { _, err := s.CreateRoute(api.APIID, in); return err }
	f(route(RouteInput{RouteKey: "GET /taken"}), "ConflictException", "GET /taken")
	f(route(RouteInput{RouteKey: "FETCH /x"}), "BadRequestException", "FETCH")
	f(route(RouteInput{RouteKey: "GET /x", Target: "integrations/none"}), "BadRequestException", "none")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "JWT"}), "BadRequestException", "JWT")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "BASIC"}), "BadRequestException", "NONE, AWS_IAM, CUSTOM or JWT")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "AWS_IAM", AuthorizerID: "a"}), "BadRequestException", "AWS_IAM have none")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "AWS_IAM", AuthorizationScopes: []string{"a"}}), "BadRequestException", "scopes are of JWT")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "JWT", AuthorizerID: "a", AuthorizationScopes: make([]string, 11)}), "BadRequestException", "10 at most")
	asked, err := s.CreateAuthorizer(api.APIID, AuthorizerInput{Name: "a", AuthorizerType: "REQUEST", AuthorizerURI: hello, AuthorizerPayloadFormatVersion: "2.0"})
	must(t, err)
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "JWT", AuthorizerID: asked.AuthorizerID}), "BadRequestException", "is of type REQUEST")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "CUSTOM"}), "BadRequestException", "AuthorizerId")
	f(route(RouteInput{RouteKey: "GET /x", AuthorizationType: "CUSTOM", AuthorizerID: "none"}), "NotFoundException", "none")
	_, err = s.CreateRoute("nope", RouteInput{RouteKey: "GET /x"})
	f(err, "NotFoundException", "nope")

	in, err := s.ListIntegrations(api.APIID)
	must(t, err)
	routes, err := s.ListRoutes(api.APIID)
	must(t, err)
	f(s.DeleteIntegration(api.APIID, strings.TrimPrefix(routes[0].Target, "integrations/")), "ConflictException", "GET /taken")
	f(s.DeleteIntegration(api.APIID, "nope"), "NotFoundException", "nope")
	if len(in) != 2 {
		t.Errorf("%d integrations are there, want 2", len(in))
	}
	_, err = s.CreateStage(api.APIID, StageInput{StageName: "$default"})
	f(err, "ConflictException", "Stage")
	_, err = s.CreateStage(api.APIID, StageInput{StageName: "a/b"})
	f(err, "BadRequestException", "a/b")
}

func TestBodiesThatAreText(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{
		"text/plain": false, "text/csv; charset=utf-8": false, "application/json": false, "application/json; charset=utf-8": false,
		"application/xml": false, "application/javascript": false, "APPLICATION/JSON": false,
		"": true, "application/x-www-form-urlencoded": true, "application/octet-stream": true, "multipart/form-data; boundary=x": true,
		"application/vnd.api+json": true, "image/png": true,
	} {
		if got := isBinary(kind); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
}

func TestReadingOverTheWire(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`)})
	api := newTestAPI(t, s, "GET /a")
	routes, _ := s.ListRoutes(api.APIID)
	f := func(method, path string, wantStatus int, want any) {
		t.Helper()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		var got map[string]any
		must(t, json.Unmarshal(w.Body.Bytes(), &got))
		if w.Code != wantStatus {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if want == nil {
			return
		}
		raw, _ := json.Marshal(want)
		var wanted map[string]any
		must(t, json.Unmarshal(raw, &wanted))
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s %s:\n%s", method, path, diff)
		}
	}
	stored, err := s.GetAPI(api.APIID)
	must(t, err)
	f("GET", "/v2/apis", 200, map[string]any{"items": []API{stored}})
	f("GET", "/v2/apis/"+api.APIID, 200, stored)
	f("GET", "/v2/apis/"+api.APIID+"/routes", 200, map[string]any{"items": routes})
	f("GET", "/v2/apis/"+api.APIID+"/routes/"+routes[0].RouteID, 200, routes[0])
	f("GET", "/v2/apis/"+api.APIID+"/integrations", 200, nil)
	f("GET", "/v2/apis/"+api.APIID+"/stages/$default", 200, nil)
	f("GET", "/v2/apis/nope", 404, nil)
	f("GET", "/v2/apis/"+api.APIID+"/authorizers", 200, map[string]any{"items": []any{}})
	f("GET", "/v2/apis/"+api.APIID+"/models", 404, nil)
	f("POST", "/v2/apis/"+api.APIID+"/models", 404, nil)
	f("PUT", "/v2/apis", 404, nil)
	f("POST", "/restapis", 404, nil)
	f("GET", "/restapis", 200, map[string]any{"item": []any{}})
	f("GET", "/restapis/nope", 404, nil)
	f("GET", "/account", 200, map[string]any{})
	f("GET", "/v1/elsewhere", 404, nil)
	if stored.APIEndpoint != s.Endpoint(api.APIID) || s.Endpoint("nope") != "" {
		t.Errorf("%q and %q", stored.APIEndpoint, s.Endpoint("nope"))
	}
}
