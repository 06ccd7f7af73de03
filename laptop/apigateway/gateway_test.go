package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const hello = "arn:aws:lambda:us-east-1:000000000000:function:hello"

// invokeFunc is an Invoker that is a function.
type invokeFunc func(ctx context.Context, c Call) (Result, error)

func (f invokeFunc) Invoke(ctx context.Context, c Call) (Result, error) { return f(ctx, c) }

// answer always answers with the same payload.
func answer(payload string) Invoker {
	return invokeFunc(func(context.Context, Call) (Result, error) { return Result{Payload: []byte(payload)}, nil })
}

// openService opens a service that is closed when the test ends.
func openService(t testing.TB, c Config) *Service {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newTestAPI makes an API with a $default stage whose routes all lead to hello.
func newTestAPI(t testing.TB, s *Service, routes ...string) API {
	t.Helper()
	api, err := s.CreateAPI(APIInput{Name: "test", ProtocolType: "HTTP"})
	must(t, err)
	in, err := s.CreateIntegration(api.APIID, IntegrationInput{IntegrationType: "AWS_PROXY", IntegrationURI: hello, PayloadFormatVersion: "2.0"})
	must(t, err)
	for _, key := range routes {
		_, err := s.CreateRoute(api.APIID, RouteInput{RouteKey: key, Target: "integrations/" + in.IntegrationID})
		must(t, err)
	}
	_, err = s.CreateStage(api.APIID, StageInput{StageName: "$default", AutoDeploy: true})
	must(t, err)
	return api
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get sends a request and reads the whole answer.
func get(t testing.TB, method, url string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	must(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(t, err)
	return res, string(data)
}

func TestAFunctionAnswersARequest(t *testing.T) {
	t.Parallel()
	var got Call
	s := openService(t, Config{Invoker: invokeFunc(func(_ context.Context, c Call) (Result, error) {
		got = c
		return Result{Payload: []byte(`{"statusCode":201,"headers":{"x-a":"1","Content-Length":"999","connection":"close"},"cookies":["a=1","b=2"],"body":"made"}`)}, nil
	})})
	api := newTestAPI(t, s, "POST /orders/{id}")
	res, body := get(t, "POST", s.Endpoint(api.APIID)+"/orders/7?x=1", strings.NewReader(`{"n":1}`), "Content-Type", "application/json", "X-Amzn-Trace-Id", "Root=1-2-3")
	if res.StatusCode != 201 || body != "made" || res.Header.Get("X-A") != "1" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	if diff := cmp.Diff([]string{"a=1", "b=2"}, res.Header["Set-Cookie"]); diff != "" {
		t.Error(diff)
	}
	if id := res.Header.Get("Apigw-Requestid"); len(id) != 16 || !strings.HasSuffix(id, "=") {
		t.Errorf("Apigw-Requestid is %q", id)
	}
	want := Call{Function: hello, Principal: "apigateway.amazonaws.com", TraceID: "Root=1-2-3",
		SourceARN: "arn:aws:execute-api:us-east-1:000000000000:" + api.APIID + "/$default/POST/orders/{id}", Payload: got.Payload}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The event, read by the library that functions read it with.
func TestTheEventIsPayloadFormat2(t *testing.T) {
	t.Parallel()
	var raw []byte
	s := openService(t, Config{Invoker: invokeFunc(func(_ context.Context, c Call) (Result, error) {
		raw = c.Payload
		return Result{Payload: []byte(`"ok"`)}, nil
	})})
	api := newTestAPI(t, s, "ANY /a/{name}/{rest+}")
	_, err := s.UpdateStage(api.APIID, StageInput{StageName: "$default", AutoDeploy: true, StageVariables: map[string]string{"v": `"quoted"`}})
	must(t, err)
	r, err := http.NewRequest("PUT", s.Endpoint(api.APIID)+"/a/%E2%98%95%20x/b/c%2Fd?tag=one&tag=t%20wo&empty=&=v&flag", bytes.NewReader([]byte{1, 2, 255}))
	must(t, err)
	r.Header = http.Header{"Content-Type": {"application/octet-stream"}, "Cookie": {"a=1; b=2", "c=3"}, "X-Multi": {"1", "2"},
		"User-Agent": {"test\t\"agent\""}, "X-Forwarded-For": {"10.0.0.1"}, "Te": {"trailers"}}
	r.Host = "api.example.com:8080"
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	res.Body.Close()

	var e events.APIGatewayV2HTTPRequest
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	must(t, d.Decode(&e))
	when := time.UnixMilli(e.RequestContext.TimeEpoch).UTC().Format("02/Jan/2006:15:04:05 +0000")
	want := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "ANY /a/{name}/{rest+}", RawPath: "/a/☕ x/b/c/d", RawQueryString: "tag=one&tag=t%20wo&empty=&=v&flag",
		Cookies: []string{"a=1", "b=2", "c=3"},
		Headers: map[string]string{
			"accept-encoding": "gzip", "content-length": "3", "content-type": "application/octet-stream", "host": "api.example.com:8080",
			"user-agent": "test\t\"agent\"", "x-amzn-trace-id": e.Headers["x-amzn-trace-id"], "x-forwarded-for": "10.0.0.1, 127.0.0.1",
			"x-forwarded-port": strings.TrimPrefix(s.Endpoint(api.APIID), "http://127.0.0.1:"), "x-forwarded-proto": "http", "x-multi": "1,2",
		},
		QueryStringParameters: map[string]string{"tag": "one,t wo", "empty": "", "": "v", "flag": ""},
		PathParameters:        map[string]string{"name": "☕ x", "rest": "b/c/d"},
		StageVariables:        map[string]string{"v": `"quoted"`},
		Body:                  "AQL/", IsBase64Encoded: true,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "ANY /a/{name}/{rest+}", AccountID: "000000000000", Stage: "$default", APIID: api.APIID,
			RequestID: res.Header.Get("Apigw-Requestid"), DomainName: "api.example.com:8080", DomainPrefix: "api",
			Time: when, TimeEpoch: e.RequestContext.TimeEpoch,
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "PUT", Path: "/a/☕ x/b/c/d", Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: "test\t\"agent\""},
		},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(e.Headers["x-amzn-trace-id"], "Root=1-") || len(e.Headers["x-amzn-trace-id"]) != 40 {
		t.Errorf("x-amzn-trace-id is %q", e.Headers["x-amzn-trace-id"])
	}
}

func TestWhatTheGatewayAnswersInTheFunctionsPlace(t *testing.T) {
	t.Parallel()
	f := func(name string, invoke invokeFunc, wantStatus int, wantBody, wantReason string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := make(chan Served, 1)
			s := openService(t, Config{Invoker: invoke, Events: func(e Event) {
				if e, ok := e.(Served); ok {
					log <- e
				}
			}})
			api := newTestAPI(t, s, "GET /")
			res, body := get(t, "GET", s.Endpoint(api.APIID)+"/", nil)
			if res.StatusCode != wantStatus || body != wantBody || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
			}
			if e := <-log; !strings.Contains(e.IntegrationError, wantReason) || e.Status != wantStatus || e.RouteKey != "GET /" || e.Stage != "$default" {
				t.Errorf("the access log says %+v, want %q", e, wantReason)
			}
		})
	}
	fails := func(code string, status int) invokeFunc {
		return func(context.Context, Call) (Result, error) {
			return Result{}, &awsproto.Error{Code: code, Status: status, Message: "because"}
		}
	}
	const internal = `{"message":"Internal Server Error"}`
	f("function error", func(context.Context, Call) (Result, error) {
		return Result{Payload: []byte(`{"errorMessage":"boom"}`), FunctionError: "Unhandled"}, nil
	}, 500, internal, "boom")
	f("no permission", fails("AccessDeniedException", 403), 500, internal, "AccessDeniedException")
	f("no function", fails("ResourceNotFoundException", 404), 500, internal, "because")
	f("throttled", fails("TooManyRequestsException", 429), 503, `{"message":"Service Unavailable"}`, "TooManyRequests")
	f("too large for Lambda", fails("RequestEntityTooLargeException", 413), 413, `{"message":"Request Entity Too Large"}`, "because")
	f("unknown error", func(context.Context, Call) (Result, error) { return Result{}, errors.New("disk on fire") }, 500, internal, "disk on fire")
	f("malformed response", func(context.Context, Call) (Result, error) {
		return Result{Payload: []byte(`{"statusCode":"much"}`)}, nil
	}, 500, internal, "statusCode")
}

func TestAnIntegrationThatTakesTooLongIs503(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: invokeFunc(func(ctx context.Context, _ Call) (Result, error) {
		<-ctx.Done()
		return Result{}, ctx.Err()
	})})
	api := newTestAPI(t, s, "GET /")
	in, err := s.ListIntegrations(api.APIID)
	must(t, err)
	_, err = s.UpdateIntegration(api.APIID, in[0].IntegrationID, IntegrationInput{
		IntegrationType: "AWS_PROXY", IntegrationURI: hello, PayloadFormatVersion: "2.0", TimeoutInMillis: 50})
	must(t, err)
	res, body := get(t, "GET", s.Endpoint(api.APIID)+"/", nil)
	if res.StatusCode != 503 || body != `{"message":"Service Unavailable"}` {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var invoked int
	s := openService(t, Config{Invoker: invokeFunc(func(context.Context, Call) (Result, error) {
		invoked++
		return Result{Payload: []byte(`"ok"`)}, nil
	})})
	api := newTestAPI(t, s, "POST /")
	url := s.Endpoint(api.APIID) + "/"
	f := func(body io.Reader, contentType string, wantStatus, wantInvoked int, headers ...string) {
		t.Helper()
		invoked = 0
		res, text := get(t, "POST", url, body, append(headers, "Content-Type", contentType)...)
		if res.StatusCode != wantStatus || invoked != wantInvoked {
			t.Errorf("%d %s after %d invocations, want %d after %d", res.StatusCode, text, invoked, wantStatus, wantInvoked)
		}
	}
	f(strings.NewReader(strings.Repeat("x", 6<<20-4096)), "text/plain", 200, 1)
	f(strings.NewReader(strings.Repeat("x", 6<<20)), "text/plain", 413, 0)
	f(strings.NewReader(strings.Repeat("x", 5<<20)), "image/png", 413, 0)            // base64 makes it a third longer
	f(io.MultiReader(bytes.NewReader(make([]byte, 10<<20+1))), "text/plain", 413, 0) // of unknown length
	f(nil, "text/plain", 200, 1, "X-Long", strings.Repeat("x", 9000))
	f(nil, "text/plain", 431, 0, "X-Long", strings.Repeat("x", 10240))

	// A declared length over the limit is answered before the body is sent.
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint(api.APIID), "http://"))
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "+strconv.Itoa(10<<20+1)+"\r\n\r\n")
	must(t, err)
	head := make([]byte, 12)
	_, err = io.ReadFull(conn, head)
	must(t, err)
	if string(head) != "HTTP/1.1 413" {
		t.Errorf("a body over 10 MB is answered with %q", head)
	}

	// Who writes all of it before looking for an answer finds one, too.
	conn, err = net.Dial("tcp", strings.TrimPrefix(s.Endpoint(api.APIID), "http://"))
	must(t, err)
	defer conn.Close()
	_, err = conn.Write(append([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "+strconv.Itoa(11<<20)+"\r\n\r\n"), make([]byte, 11<<20)...))
	must(t, err)
	_, err = io.ReadFull(conn, head)
	must(t, err)
	if string(head) != "HTTP/1.1 413" {
		t.Errorf("a body over 10 MB that is sent first is answered with %q", head)
	}
}

func TestStagesAndDeployments(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: invokeFunc(func(_ context.Context, c Call) (Result, error) {
		var e events.APIGatewayV2HTTPRequest
		err := json.Unmarshal(c.Payload, &e)
		out, _ := json.Marshal(e.RequestContext.Stage + " " + e.RawPath + " " + e.RouteKey)
		return Result{Payload: out}, err
	})})
	api := newTestAPI(t, s, "GET /x", "$default")
	url := s.Endpoint(api.APIID)
	f := func(path, want string) {
		t.Helper()
		if _, body := get(t, "GET", url+path, nil); body != want {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
	}
	const none = `{"message":"Not Found"}`
	f("/dev/x", "$default /dev/x $default")
	_, err := s.CreateStage(api.APIID, StageInput{StageName: "dev", AutoDeploy: true})
	must(t, err)
	_, err = s.CreateStage(api.APIID, StageInput{StageName: "prod"})
	must(t, err)
	f("/dev/x", "dev /dev/x GET /x")
	f("/dev", "dev /dev $default")
	f("/x", "$default /x GET /x")
	f("/prod/x", none) // nothing is deployed there
	_, err = s.CreateDeployment(api.APIID, "first", "prod")
	must(t, err)
	routes, err := s.ListRoutes(api.APIID)
	must(t, err)
	for _, r := range routes {
		must(t, s.DeleteRoute(api.APIID, r.RouteID))
	}
	f("/prod/x", "prod /prod/x GET /x") // as it was deployed
	f("/dev/x", none)
	must(t, s.DeleteStage(api.APIID, "$default"))
	f("/x", none)
	if err := s.DeleteDeployment(api.APIID, "nope"); awsproto.From(err).Code != "NotFoundException" {
		t.Error(err)
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`{"statusCode":200,"body":"12345"}`)})
	api := newTestAPI(t, s, "ANY /")
	res, body := get(t, "HEAD", s.Endpoint(api.APIID)+"/", nil)
	if body != "" || res.ContentLength != 5 {
		t.Errorf("%q, Content-Length %d", body, res.ContentLength)
	}
}

// A stage variable in place of a function's name or qualifier leads each stage to its own.
func TestAStageVariableNamesTheFunction(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.fn}:v${stageVariables.version}"
	r := &recorder{payload: `{"statusCode":200}`}
	s := openService(t, Config{Invoker: r})
	api := newTestAPI(t, s, "GET /")
	in, err := s.ListIntegrations(api.APIID)
	must(t, err)
	_, err = s.UpdateIntegration(api.APIID, in[0].IntegrationID, IntegrationInput{IntegrationType: "AWS_PROXY", IntegrationURI: arn, PayloadFormatVersion: "2.0"})
	must(t, err)
	rest := newTestREST(t, s, RestAPIInput{}, "GET /")
	root := resourceAt(t, s, rest, "/")
	_, err = s.UpdateMethod(rest.ID, root.ID, MethodInput{HTTPMethod: "GET", Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST",
		URI: "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"}})
	must(t, err)
	deployed, err := s.CreateRestDeployment(rest.ID, "", "prod")
	must(t, err)
	f := func(variables map[string]string, want string, wantHTTP, wantREST int) {
		t.Helper()
		_, err := s.UpdateStage(api.APIID, StageInput{StageName: "$default", AutoDeploy: true, StageVariables: variables})
		must(t, err)
		_, err = s.UpdateRestStage(rest.ID, RestStageInput{StageName: "prod", DeploymentID: deployed.ID, Variables: variables})
		must(t, err)
		for url, wantStatus := range map[string]int{s.Endpoint(api.APIID) + "/": wantHTTP, s.Endpoint(rest.ID) + "/prod": wantREST} {
			r.forget()
			if res, body := get(t, "GET", url, nil); res.StatusCode != wantStatus || r.last().Function != want {
				t.Errorf("%v: %d %s of %q, want %d of %q", variables, res.StatusCode, body, r.last().Function, wantStatus, want)
			}
		}
	}
	f(map[string]string{"fn": "blue", "version": "1"}, "arn:aws:lambda:us-east-1:000000000000:function:blue:v1", 200, 200)
	f(map[string]string{"fn": "green", "version": "2"}, "arn:aws:lambda:us-east-1:000000000000:function:green:v2", 200, 200)
	f(map[string]string{"fn": "blue"}, "", 500, 500)
	f(map[string]string{"fn": "no name", "version": "1"}, "", 500, 500)
}
