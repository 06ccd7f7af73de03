package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func mustURL(query string) *url.URL { return &url.URL{Path: "/", RawQuery: query} }

const helloURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + hello + "/invocations"

// newTestREST makes a REST API with the methods that routes name, such as "GET /orders/{id}", all
// leading to hello, deployed as stage prod.
func newTestREST(t testing.TB, s *Service, in RestAPIInput, routes ...string) RestAPI {
	t.Helper()
	in.Name = "test"
	api, err := s.CreateRestAPI(in)
	must(t, err)
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		_, err := s.CreateMethod(api.ID, resourceAt(t, s, api, path).ID, MethodInput{HTTPMethod: method,
			Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI}})
		must(t, err)
	}
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	return api
}

// resourceAt is the resource with a path, made with those above it if it is missing.
func resourceAt(t testing.TB, s *Service, api RestAPI, path string) Resource {
	t.Helper()
	all, err := s.ListResources(api.ID)
	must(t, err)
	for _, r := range all {
		if r.Path == path {
			return r
		}
	}
	i := strings.LastIndexByte(path, '/')
	above := path[:i]
	if above == "" {
		above = "/"
	}
	r, err := s.CreateResource(api.ID, resourceAt(t, s, api, above).ID, path[i+1:])
	must(t, err)
	return r
}

// What stands in the event of a REST API, by
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
const rest1 = `{
	"resource": "/my/path/{id}", "path": "/my/path/7", "httpMethod": "POST",
	"headers": {"header1": "value1"}, "multiValueHeaders": {"header1": ["value1"]},
	"queryStringParameters": {"parameter1": "value1"}, "multiValueQueryStringParameters": {"parameter1": ["value1"]},
	"requestContext": {
		"accountId": "123456789012", "apiId": "id", "domainName": "id.execute-api.us-east-1.amazonaws.com", "domainPrefix": "id",
		"extendedRequestId": "request-id", "httpMethod": "POST",
		"identity": {"accessKey": null, "accountId": null, "caller": null, "cognitoAuthenticationProvider": null, "cognitoAuthenticationType": null,
			"cognitoIdentityId": null, "cognitoIdentityPoolId": null, "principalOrgId": null, "sourceIp": "192.0.2.1", "user": null,
			"userAgent": "user-agent", "userArn": null},
		"path": "/prod/my/path/7", "protocol": "HTTP/1.1", "requestId": "id=", "requestTime": "04/Mar/2020:19:15:17 +0000",
		"requestTimeEpoch": 1583349317135, "resourceId": "abc123", "resourcePath": "/my/path/{id}", "stage": "prod"},
	"pathParameters": {"id": "7"}, "stageVariables": {"v": "1"}, "body": "Hello from Lambda!", "isBase64Encoded": false}`

func TestTheEventOfARESTAPI(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":201,"headers":{"Date":"never"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"made"}`}
	s := openService(t, Config{Invoker: r})
	api := newTestREST(t, s, RestAPIInput{}, "POST /my/path/{id}")
	stage, err := s.GetRestStage(api.ID, "prod")
	must(t, err)
	_, err = s.UpdateRestStage(api.ID, RestStageInput{StageName: "prod", DeploymentID: stage.DeploymentID, Variables: map[string]string{"v": "1"}})
	must(t, err)
	res, body := get(t, "POST", s.Endpoint(api.ID)+"/prod/my/path/a%20b?parameter1=value1&parameter1=value%2F2", strings.NewReader("Hello from Lambda!"),
		"Header2", "a", "Header2", "b", "X-Amzn-Trace-Id", "Root=1-2-3")
	open := []string{".headers", ".multiValueHeaders", ".queryStringParameters", ".multiValueQueryStringParameters"}
	if diff := cmp.Diff(members(t, []byte(rest1), open...), members(t, r.last().Payload, open...)); diff != "" {
		t.Error(diff)
	}
	var e events.APIGatewayProxyRequest
	d := json.NewDecoder(bytes.NewReader(r.last().Payload))
	must(t, d.Decode(&e))
	is := []any{e.Resource, e.Path, e.RequestContext.Path, e.RequestContext.ResourcePath, e.RequestContext.Stage, e.Headers["Header2"], e.MultiValueHeaders["Header2"],
		e.QueryStringParameters, e.MultiValueQueryStringParameters, e.PathParameters, e.StageVariables, e.RequestContext.RequestID, e.RequestContext.ResourceID, e.Body}
	want := []any{"/my/path/{id}", "/my/path/a%20b", "/prod/my/path/a%20b", "/my/path/{id}", "prod", "b", []string{"a", "b"},
		map[string]string{"parameter1": "value/2"}, map[string][]string{"parameter1": {"value1", "value/2"}}, map[string]string{"id": "a%20b"}, map[string]string{"v": "1"},
		res.Header.Get("X-Amzn-Requestid"), resourceAt(t, s, api, "/my/path/{id}").ID, "Hello from Lambda!"}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	wantCall := Call{Function: hello, Principal: "apigateway.amazonaws.com", TraceID: "Root=1-2-3", Payload: r.last().Payload,
		SourceARN: "arn:aws:execute-api:us-east-1:000000000000:" + api.ID + "/prod/POST/my/path/{id}"}
	if diff := cmp.Diff(wantCall, r.last()); diff != "" {
		t.Error(diff)
	}
	if res.StatusCode != 201 || body != "made" || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("X-Amzn-Trace-Id") != "Root=1-2-3" ||
		res.Header.Get("X-Amzn-Remapped-Date") != "never" || len(res.Header["Set-Cookie"]) != 2 || res.Header.Get("X-Amz-Apigw-Id") == "" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	get(t, "POST", s.Endpoint(api.ID)+"/prod/my/path/x", nil)
	if !bytes.Contains(r.last().Payload, []byte(`"queryStringParameters":null,"multiValueQueryStringParameters":null`)) ||
		!bytes.Contains(r.last().Payload, []byte(`"body":null,"isBase64Encoded":false`)) {
		t.Errorf("without query and body: %s", r.last().Payload)
	}
}

func TestBinaryBodiesOfARESTAPI(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":200,"body":"AQL/","isBase64Encoded":true}`}
	s := openService(t, Config{Invoker: r})
	plain := newTestREST(t, s, RestAPIInput{}, "POST /")
	images := newTestREST(t, s, RestAPIInput{BinaryMediaTypes: []string{"image/*"}}, "POST /")
	all := newTestREST(t, s, RestAPIInput{BinaryMediaTypes: []string{"*/*"}}, "POST /")
	f := func(api RestAPI, contentType, accept string, wantBody string, wantEncoded bool, wantAnswer string) {
		t.Helper()
		_, answer := get(t, "POST", s.Endpoint(api.ID)+"/prod", strings.NewReader("\x01\x02a"), "Content-Type", contentType, "Accept", accept)
		var e events.APIGatewayProxyRequest
		must(t, json.Unmarshal(r.last().Payload, &e))
		if e.Body != wantBody || e.IsBase64Encoded != wantEncoded || answer != wantAnswer {
			t.Errorf("%s, %s: %q %v, answered %q", contentType, accept, e.Body, e.IsBase64Encoded, answer)
		}
	}
	f(plain, "image/png", "image/png", "\x01\x02a", false, "AQL/")
	f(images, "image/png", "image/png", "AQJh", true, "\x01\x02\xff")
	f(images, "text/plain", "text/html, image/png", "\x01\x02a", false, "AQL/")
	f(all, "text/plain", "text/html", "AQJh", true, "\x01\x02\xff")
}

func TestRoutesOfARESTAPI(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":200}`}
	s := openService(t, Config{Invoker: r})
	api := newTestREST(t, s, RestAPIInput{}, "GET /", "GET /pets/dog", "GET /pets/{id}", "ANY /pets/{id}/{rest+}", "ANY /files/{proxy+}", "POST /files/a")
	f := func(request string, wantStatus int, wantResource string) {
		t.Helper()
		method, path, _ := strings.Cut(request, " ")
		r.forget()
		res, body := get(t, method, s.Endpoint(api.ID)+path, nil)
		var e events.APIGatewayProxyRequest
		if r.last().Payload != nil {
			must(t, json.Unmarshal(r.last().Payload, &e))
		}
		if res.StatusCode != wantStatus || e.Resource != wantResource {
			t.Errorf("%s: %d %s, resource %q, want %d and %q", request, res.StatusCode, body, e.Resource, wantStatus, wantResource)
		}
	}
	f("GET /prod", 200, "/")
	f("GET /prod/", 200, "/")
	f("GET /prod/pets/dog", 200, "/pets/dog")
	f("GET /prod/pets/cat", 200, "/pets/{id}")
	f("DELETE /prod/pets/cat/a/b", 200, "/pets/{id}/{rest+}")
	f("GET /prod/files/b/c", 200, "/files/{proxy+}")
	f("POST /prod/files/a", 200, "/files/a")
	f("GET /prod/files/a", 403, "") // the path is there, its method is not
	f("GET /prod/files/", 403, "")
	f("POST /prod/pets/dog", 403, "")
	f("GET /prod/nothing", 403, "")
	f("GET /other/pets/dog", 403, "")
	f("GET /", 403, "")
	for path, want := range map[string]string{"/prod/nothing": `{"message":"Missing Authentication Token"}`, "/other": `{"message":"Forbidden"}`} {
		res, body := get(t, "GET", s.Endpoint(api.ID)+path, nil)
		if body != want || res.Header.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s: %s %v", path, body, res.Header)
		}
	}
	// What is not deployed is not served.
	_, err := s.CreateMethod(api.ID, resourceAt(t, s, api, "/new").ID, MethodInput{HTTPMethod: "GET", Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI}})
	must(t, err)
	f("GET /prod/new", 403, "")
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	f("GET /prod/new", 200, "/new")
}

func TestWhatARESTAPIAnswersInTheFunctionsPlace(t *testing.T) {
	t.Parallel()
	f := func(name string, invoke invokeFunc, wantStatus int, wantBody string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openService(t, Config{Invoker: invoke})
			api := newTestREST(t, s, RestAPIInput{}, "POST /")
			res, body := get(t, "POST", s.Endpoint(api.ID)+"/prod", nil)
			if res.StatusCode != wantStatus || body != wantBody || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
			}
		})
	}
	fails := func(code string, status int) invokeFunc {
		return func(context.Context, Call) (Result, error) {
			return Result{}, &awsproto.Error{Code: code, Status: status, Message: "because"}
		}
	}
	const internal = `{"message": "Internal server error"}`
	f("function error", func(context.Context, Call) (Result, error) {
		return Result{Payload: []byte(`{"errorMessage":"boom"}`), FunctionError: "Unhandled"}, nil
	}, 502, internal)
	f("malformed", answer(`"text"`).(invokeFunc), 502, internal)
	f("no permission", fails("AccessDeniedException", 403), 500, internal)
	f("no function", fails("ResourceNotFoundException", 404), 500, internal)
	f("throttled", fails("TooManyRequestsException", 429), 500, internal)
	f("too large for Lambda", fails("RequestTooLargeException", 413), 413, `{"message":"Request Too Long"}`)
	f("other", func(context.Context, Call) (Result, error) { return Result{}, errors.New("disk on fire") }, 500, internal)
}

func TestTheTimeoutOfARESTAPI(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: invokeFunc(func(ctx context.Context, _ Call) (Result, error) {
		<-ctx.Done()
		return Result{}, ctx.Err()
	})})
	api := newTestREST(t, s, RestAPIInput{}, "GET /")
	_, err := s.UpdateMethod(api.ID, api.RootResourceID, MethodInput{HTTPMethod: "GET",
		Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI, TimeoutInMillis: 50}})
	must(t, err)
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	if res, body := get(t, "GET", s.Endpoint(api.ID)+"/prod", nil); res.StatusCode != 504 || body != `{"message": "Endpoint request timed out"}` {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestLimitsOfARESTAPI(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`{"statusCode":200}`)})
	api := newTestREST(t, s, RestAPIInput{}, "POST /")
	f := func(body io.Reader, want int, wantBody string, headers ...string) {
		t.Helper()
		res, text := get(t, "POST", s.Endpoint(api.ID)+"/prod", body, headers...)
		if res.StatusCode != want || text != wantBody {
			t.Errorf("%d %s, want %d %s", res.StatusCode, text, want, wantBody)
		}
	}
	f(strings.NewReader(strings.Repeat("x", 5<<20)), 200, "")
	f(strings.NewReader(strings.Repeat("x", 6<<20)), 413, `{"message":"Request Too Long"}`)
	f(strings.NewReader(strings.Repeat("x", 10<<20+1)), 413, `{"message":"HTTP content length exceeded 10485760 bytes."}`)
	f(nil, 431, `{"message":"Request Header Fields Too Large"}`, "X-Long", strings.Repeat("x", 10240))

	stage, err := s.GetRestStage(api.ID, "prod")
	must(t, err)
	_, err = s.UpdateRestStage(api.ID, RestStageInput{StageName: "prod", DeploymentID: stage.DeploymentID, MethodSettings: []MethodSetting{
		{ResourcePath: "/*", HTTPMethod: "*", RouteSettings: RouteSettings{ThrottlingRateLimit: new(0.001), ThrottlingBurstLimit: new(2)}}}})
	must(t, err)
	f(nil, 200, "")
	f(nil, 200, "")
	f(nil, 429, `{"message":"Too Many Requests"}`)
}

func mockMethod(origin string) MethodInput {
	return MethodInput{HTTPMethod: "OPTIONS",
		Integration: MethodIntegration{Type: "MOCK", RequestTemplates: map[string]string{"application/json": "{ statusCode: 204 }"},
			Responses: map[string]IntegrationResponse{"204": {StatusCode: "204", ResponseParameters: map[string]string{
				"method.response.header.Access-Control-Allow-Origin":  "'" + origin + "'",
				"method.response.header.Access-Control-Allow-Methods": "'GET,PUT'"}}}},
		MethodResponses: []MethodResponse{{StatusCode: "204", ResponseParameters: map[string]bool{
			"method.response.header.Access-Control-Allow-Origin": true, "method.response.header.Access-Control-Allow-Methods": true}}}}
}

func TestAMockAnswersPreflightRequests(t *testing.T) {
	t.Parallel()
	var asked func(*http.Request) bool
	s := openService(t, Config{Invoker: answer(`{"statusCode":200}`), Middleware: func(h http.Handler, admits func(*http.Request) bool) http.Handler {
		asked = admits
		return h
	}})
	api := newTestREST(t, s, RestAPIInput{}, "GET /a", "GET /b")
	_, err := s.CreateMethod(api.ID, resourceAt(t, s, api, "/a").ID, mockMethod("https://shop.example"))
	must(t, err)
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	for range 2 {
		res, body := get(t, "OPTIONS", s.Endpoint(api.ID)+"/prod/a", nil, "Origin", "https://shop.example", "Access-Control-Request-Method", "PUT")
		if res.StatusCode != 204 || body != "" || res.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" || res.Header.Get("Access-Control-Allow-Methods") != "GET,PUT" {
			t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
		}
	}
	admits := func(path, origin string, want bool) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://127.0.0.1"+path, nil)
		must(t, err)
		r.Header.Set("Origin", origin)
		if got := asked(r); got != want {
			t.Errorf("%s admits %s: %v", path, origin, got)
		}
	}
	admits("/prod/a", "https://shop.example", true)
	admits("/prod/a", "https://evil.example", false)
	admits("/prod/b", "https://shop.example", false)
	admits("/prod/nothing", "https://shop.example", false)
	admits("/other/a", "https://shop.example", false)

	bad := func(want string, edit func(*MethodInput)) {
		t.Helper()
		in := mockMethod("*")
		edit(&in)
		if _, err := in.method(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	bad("mapping templates", func(in *MethodInput) { in.Integration.RequestTemplates["application/json"] = `#set($x = 1)` })
	bad("needs a RequestTemplate", func(in *MethodInput) { in.Integration.RequestTemplates = nil })
	bad("no MethodResponse", func(in *MethodInput) { in.MethodResponses = nil })
	bad("does not declare", func(in *MethodInput) { in.MethodResponses[0].ResponseParameters = nil })
	bad("single quotes", func(in *MethodInput) {
		in.Integration.Responses["204"].ResponseParameters["method.response.header.Access-Control-Allow-Origin"] = "method.request.header.Origin"
	})
}

func TestWhatARESTAPIRefuses(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`)})
	api := newTestREST(t, s, RestAPIInput{}, "GET /a/{id}")
	f := func(err error, code, text string) {
		t.Helper()
		if err == nil {
			t.Errorf("no error, want %s with %q", code, text)
		} else if got := awsproto.From(err); got.Code != code || !strings.Contains(got.Message, text) {
			t.Errorf("%v, want %s with %q", err, code, text)
		}
	}
	create := func(in RestAPIInput) error { _, err := s.CreateRestAPI(in); return err }
	f(create(RestAPIInput{}), "BadRequestException", "name")
	f(create(RestAPIInput{Name: "a", EndpointTypes: []string{"PRIVATE"}}), "BadRequestException", "PRIVATE")
	resource := func(parent, part string) error { _, err := s.CreateResource(api.ID, parent, part); return err }
	a := resourceAt(t, s, api, "/a").ID
	f(resource(api.RootResourceID, "a"), "ConflictException", "a")
	f(resource(a, "{other}"), "BadRequestException", "{id}")
	f(resource(a, "x/y"), "BadRequestException", "x/y")
	f(resource("none", "x"), "NotFoundException", "none")
	must(t, resource(a, "{rest+}"))
	f(resource(resourceAt(t, s, api, "/a/{rest+}").ID, "x"), "BadRequestException", "greedy")
	method := func(in MethodInput) error { _, err := s.CreateMethod(api.ID, a, in); return err }
	proxy := MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI}
	f(method(MethodInput{HTTPMethod: "GET", Integration: MethodIntegration{Type: "HTTP_PROXY"}}), "BadRequestException", "HTTP_PROXY")
	f(method(MethodInput{HTTPMethod: "GET", AuthorizationType: "COGNITO_USER_POOLS", Integration: proxy}), "BadRequestException", "there are no user pools")
	f(method(MethodInput{HTTPMethod: "GET", AuthorizationType: "CUSTOM", Integration: proxy}), "BadRequestException", "CUSTOM has an authorizer")
	f(method(MethodInput{HTTPMethod: "GET", AuthorizationType: "CUSTOM", AuthorizerID: "none", Integration: proxy}), "NotFoundException", "none")
	f(method(MethodInput{HTTPMethod: "GET", APIKeyRequired: true, Integration: proxy}), "BadRequestException", "ApiKeyRequired")
	f(method(MethodInput{HTTPMethod: "GET", Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST",
		URI: strings.Replace(helloURI, "2015-03-31/functions/", "2021-11-15/functions/", 1)}}), "BadRequestException", "streamed")
	must(t, method(MethodInput{HTTPMethod: "GET", Integration: proxy}))
	f(method(MethodInput{HTTPMethod: "GET", Integration: proxy}), "ConflictException", "Method already exists")
	stage, err := s.GetRestStage(api.ID, "prod")
	must(t, err)
	f(s.DeleteRestDeployment(api.ID, stage.DeploymentID), "BadRequestException", "prod")
	must(t, s.DeleteRestStage(api.ID, "prod"))
	must(t, s.DeleteRestDeployment(api.ID, stage.DeploymentID))
	must(t, s.DeleteResource(api.ID, a))
	all, err := s.ListResources(api.ID)
	must(t, err)
	if len(all) != 1 {
		t.Errorf("below a deleted resource there is left %+v", all)
	}
	f(s.DeleteResource(api.ID, api.RootResourceID), "BadRequestException", "root")
	must(t, s.DeleteRestAPI(t.Context(), api.ID))
	_, err = s.GetRestAPI(api.ID)
	f(err, "NotFoundException", api.ID)
	if s.Endpoint(api.ID) != "" {
		t.Error("what is deleted has an address")
	}
}

func TestRESTAPIsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Invoker: answer(`{"statusCode":200,"body":"ok"}`)})
	must(t, err)
	api := newTestREST(t, s, RestAPIInput{}, "GET /a")
	must(t, s.UpdateAccount(Account{CloudWatchRoleARN: "arn:aws:iam::000000000000:role/r"}))
	before := s.Endpoint(api.ID)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, s.Close(ctx))
	again := openService(t, Config{Dir: dir, Invoker: answer(`{"statusCode":200,"body":"ok"}`)})
	if _, body := get(t, "GET", before+"/prod/a", nil); body != "ok" {
		t.Errorf("after the restart: %s", body)
	}
	if diff := cmp.Diff([]any{s.ListRestAPIs(), s.GetAccount()}, []any{again.ListRestAPIs(), again.GetAccount()}); diff != "" {
		t.Error(diff)
	}
	if got := again.LocalAddress("https://" + api.ID + ".execute-api.us-east-1.amazonaws.com/prod"); got != before+"/prod" {
		t.Errorf("the address is %s", got)
	}
	if got := again.LocalAddress("https://other.execute-api.us-east-1.amazonaws.com/prod"); !strings.HasPrefix(got, "https://other.") {
		t.Errorf("an unknown address becomes %s", got)
	}
}
