package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// openURL serves a function URL with the ID url and tells its address.
func openURL(t testing.TB, s *Service, u FunctionURL) string {
	t.Helper()
	if u.ID == "" {
		u.ID = "url"
	}
	u.Function = hello
	if u.AuthType == "" {
		u.AuthType = "NONE"
	}
	address, err := s.URLAddress(u.ID)
	must(t, err)
	must(t, s.OpenURL(u))
	return strings.TrimSuffix(address, "/")
}

// What stands in the event of a function URL that wants signatures, by
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html; members without a value are left
// out here.
const urlEvent = `{
	"version": "2.0", "routeKey": "$default", "rawPath": "/my/path", "rawQueryString": "parameter1=value1", "cookies": ["cookie1", "cookie2"],
	"headers": {"header1": "value1"}, "queryStringParameters": {"parameter1": "value1"},
	"requestContext": {
		"accountId": "123456789012", "apiId": "<urlid>",
		"authorizer": {"iam": {"accessKey": "AKIA", "accountId": "111122223333", "callerId": "AIDA", "cognitoIdentity": null, "principalOrgId": null,
			"userArn": "arn:aws:iam::111122223333:user/example-user", "userId": "AIDA"}},
		"domainName": "<url-id>.lambda-url.us-west-2.on.aws", "domainPrefix": "<url-id>",
		"http": {"method": "POST", "path": "/my/path", "protocol": "HTTP/1.1", "sourceIp": "123.123.123.123", "userAgent": "agent"},
		"requestId": "id", "routeKey": "$default", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390},
	"body": "Hello from client!", "isBase64Encoded": false}`

const signed = "AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"

func TestTheEventOfAFunctionURL(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":201,"cookies":["a=1"],"body":"made"}`}
	s := openService(t, Config{Invoker: r})
	url := openURL(t, s, FunctionURL{AuthType: "AWS_IAM"})
	if res, body := get(t, "POST", url+"/my/path", nil); res.StatusCode != 403 || body != `{"Message":"Forbidden"}` || r.last().Payload != nil {
		t.Errorf("unsigned: %d %s", res.StatusCode, body)
	}
	res, body := get(t, "POST", url+"/my%2Fpath?parameter1=value1&parameter1=value2", strings.NewReader("Hello from client!"),
		"Content-Type", "text/plain", "Cookie", "cookie1; cookie2", "Authorization", signed)
	if res.StatusCode != 201 || body != "made" || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Set-Cookie") != "a=1" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	if diff := cmp.Diff(members(t, []byte(urlEvent), ".headers", ".queryStringParameters"), members(t, r.last().Payload, ".headers", ".queryStringParameters")); diff != "" {
		t.Error(diff)
	}
	var e events.LambdaFunctionURLRequest
	must(t, json.Unmarshal(r.last().Payload, &e))
	port := url[strings.LastIndexByte(url, ':'):]
	is := []any{e.RawPath, e.RequestContext.HTTP.Path, e.RequestContext.DomainName, e.RequestContext.DomainPrefix, e.RequestContext.APIID, e.RequestContext.Authorizer.IAM.AccessKey, e.RequestContext.RequestID,
		e.Headers["host"], e.QueryStringParameters, e.Cookies, e.Body}
	want := []any{"/my%2Fpath", "/my%2Fpath", "url.lambda-url.us-east-1.localhost" + port, "url", "url", "AKIA", res.Header.Get("X-Amzn-Requestid"), "127.0.0.1" + port,
		map[string]string{"parameter1": "value1,value2"}, []string{"cookie1", "cookie2"}, "Hello from client!"}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Call{Function: hello, URLAuthType: "AWS_IAM", TraceID: r.last().TraceID, Payload: r.last().Payload}, r.last()); diff != "" {
		t.Error(diff)
	}
	if res, body := get(t, "GET", presigned(t, url+"/", "lambda"), nil); res.StatusCode != 201 {
		t.Errorf("signed in the query: %d %s", res.StatusCode, body)
	}
	if res, body := get(t, "GET", presigned(t, url+"/", "execute-api"), nil); res.StatusCode != 403 {
		t.Errorf("signed for another service: %d %s", res.StatusCode, body)
	}
	openURL(t, s, FunctionURL{})
	r.answer(`{"plain":1}`)
	if res, body := get(t, "GET", url+"/", nil); res.StatusCode != 200 || body != `{"plain":1}` || r.last().Principal != "*" || r.last().URLAuthType != "NONE" {
		t.Errorf("opened to all: %d %s, as %+v", res.StatusCode, body, r.last())
	}
}

func TestWhatAFunctionURLAnswersInTheFunctionsPlace(t *testing.T) {
	t.Parallel()
	f := func(invoke invokeFunc, wantStatus int, wantBody string) {
		t.Helper()
		s := openService(t, Config{Invoker: invoke})
		url := openURL(t, s, FunctionURL{})
		if res, body := get(t, "GET", url, nil); res.StatusCode != wantStatus || body != wantBody {
			t.Errorf("%d %q, want %d %q", res.StatusCode, body, wantStatus, wantBody)
		}
	}
	fails := func(code string, status int) invokeFunc {
		return func(context.Context, Call) (Result, error) {
			return Result{}, &awsproto.Error{Code: code, Status: status, Message: "Rate Exceeded."}
		}
	}
	f(func(context.Context, Call) (Result, error) { return Result{FunctionError: "Unhandled"}, nil }, 502, `{"Message":"Internal Server Error"}`)
	f(answer(`{"statusCode":"much"}`).(invokeFunc), 502, `{"Message":"Internal Server Error"}`)
	f(fails("AccessDeniedException", 403), 403, `{"Message":"Forbidden"}`)
	f(fails("TooManyRequestsException", 429), 429, `{"Message":"Rate Exceeded."}`)
	f(fails("RequestTooLargeException", 413), 413, `{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`)
	f(fails("ResourceNotFoundException", 404), 500, `{"Message":"Internal Server Error"}`)
}

func TestTheCORSOfAFunctionURL(t *testing.T) {
	t.Parallel()
	var admits func(*http.Request) bool
	s := openService(t, Config{Invoker: answer(`{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"}}`),
		Middleware: func(h http.Handler, a func(*http.Request) bool) http.Handler { admits = a; return h }})
	url := openURL(t, s, FunctionURL{CORS: &CORS{AllowOrigins: []string{"https://shop.example"}, AllowMethods: []string{"GET"}, MaxAge: 60}})
	res, _ := get(t, "OPTIONS", url, nil, "Origin", "https://shop.example", "Access-Control-Request-Method", "GET")
	if res.StatusCode != 200 || res.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" || res.Header.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res, _ := get(t, "GET", url, nil, "Origin", "https://evil.example"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another site's page may read: %v", res.Header)
	}
	for origin, want := range map[string]bool{"https://shop.example": true, "https://evil.example": false, "": false} {
		if got := admits(&http.Request{Header: http.Header{"Origin": {origin}}}); got != want {
			t.Errorf("%q is admitted: %v", origin, got)
		}
	}
}

func TestAFunctionURLKeepsItsAddress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Invoker: answer(`"ok"`)})
	must(t, err)
	address, err := s.URLAddress("url")
	must(t, err)
	if res, _ := get(t, "GET", address, nil); res.StatusCode != 404 {
		t.Errorf("before anything is known of it: %d", res.StatusCode)
	}
	if openURL(t, s, FunctionURL{})+"/" != address {
		t.Error("it has moved")
	}
	if _, err := s.URLAddress("../x"); err == nil {
		t.Error("anything is an ID")
	}
	if err := s.OpenURL(FunctionURL{ID: "other", Function: hello, AuthType: "NONE", InvokeMode: "RESPONSE_STREAM"}); err == nil || !strings.Contains(err.Error(), "RESPONSE_STREAM") {
		t.Errorf("without a Streamer: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, s.Close(ctx))
	again := openService(t, Config{Dir: dir, Invoker: answer(`"ok"`)})
	if openURL(t, again, FunctionURL{})+"/" != address {
		t.Error("it has moved over the restart")
	}
	if _, body := get(t, "GET", address, nil); body != "ok" {
		t.Errorf("it answers %s", body)
	}
	must(t, again.CloseURL(ctx, "url"))
	must(t, again.CloseURL(ctx, "url"))
	if again.Endpoint("url") != "" {
		t.Error("what is deleted has an address")
	}
	if _, err := http.Get(address); err == nil {
		t.Error("somebody still listens")
	}
}

// The first API has Config.Port, also when a URL was there before it.
func TestAFunctionURLLeavesTheFirstAPIsPort(t *testing.T) {
	t.Parallel()
	free, err := openPort(0)
	must(t, err)
	port := portOf(free)
	must(t, free.Close())
	s := openService(t, Config{Invoker: answer(`1`), Port: port})
	if url := openURL(t, s, FunctionURL{}); url == endpoint(port) {
		t.Error("the URL has the API's port")
	}
	if api := newTestREST(t, s, RestAPIInput{}, "GET /"); s.Endpoint(api.ID) != endpoint(port) {
		t.Errorf("the API is at %s, not at %d", s.Endpoint(api.ID), port)
	}
}

// streamFunc is a Streamer that is a function.
type streamFunc func(ctx context.Context, c Call, to Stream) (Result, error)

func (f streamFunc) InvokeStream(ctx context.Context, c Call, to Stream) (Result, error) {
	return f(ctx, c, to)
}

// said streams chunks under a content type.
func said(contentType string, result Result, err error, chunks ...string) streamFunc {
	return func(_ context.Context, _ Call, to Stream) (Result, error) {
		if contentType != "none" {
			to.Start(contentType)
		}
		for _, c := range chunks {
			if _, err := io.WriteString(to, c); err != nil {
				return Result{}, err
			}
		}
		return result, err
	}
}

func TestAStreamedAnswer(t *testing.T) {
	t.Parallel()
	const zeros = "\x00\x00\x00\x00\x00\x00\x00\x00"
	f := func(stream streamFunc, wantStatus int, wantBody string, wantHeaders map[string]string) {
		t.Helper()
		s := openService(t, Config{Invoker: answer(`1`), Streamer: stream})
		url := openURL(t, s, FunctionURL{InvokeMode: "RESPONSE_STREAM"})
		res, body := get(t, "GET", url, nil)
		if res.StatusCode != wantStatus || body != wantBody {
			t.Errorf("%d %q, want %d %q", res.StatusCode, body, wantStatus, wantBody)
		}
		for name, want := range wantHeaders {
			if got := strings.Join(res.Header[name], "|"); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	head := `{"statusCode":418,"headers":{"Content-Type":"text/tea","x-a":"1"},"cookies":["a=1","b=2"]}`
	headers := map[string]string{"Content-Type": "text/tea", "X-A": "1", "Set-Cookie": "a=1|b=2"}
	f(said(integrationResponse, Result{}, nil, head+zeros+"one,", "two"), 418, "one,two", headers)
	f(said(integrationResponse, Result{}, nil, head[:10], head[10:]+zeros[:3], zeros[3:], "one"), 418, "one", headers)
	f(said(integrationResponse, Result{}, nil, "{}"+zeros), 200, "", map[string]string{"Content-Type": "application/octet-stream"})
	f(said(integrationResponse, Result{}, nil, `{"statusCode":204}`+zeros+"dropped"), 204, "", nil)
	f(said("text/html", Result{}, nil, "<p>", "</p>"), 200, "<p></p>", map[string]string{"Content-Type": "text/html"})
	f(said("", Result{}, nil, "x"), 200, "x", map[string]string{"Content-Type": "application/octet-stream"})
	f(said("none", Result{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"boom"}`)}, nil), 502, `{"Message":"Internal Server Error"}`, nil)
	f(said("none", Result{}, &awsproto.Error{Code: "TooManyRequestsException", Status: 429, Message: "slow"}), 429, `{"Message":"slow"}`, nil)
	f(said(integrationResponse, Result{}, nil, `{"statusCode":`), 502, `{"Message":"Internal Server Error"}`, nil)
	f(said(integrationResponse, Result{}, nil, "[1]"+zeros), 502, `{"Message":"Internal Server Error"}`, nil)
	f(said(integrationResponse, Result{}, nil, strings.Repeat(" ", maxPrelude+10)), 502, `{"Message":"Internal Server Error"}`, nil)

	// After the head is out, all that can be told is that the body ended early.
	for _, broken := range []streamFunc{
		said("text/plain", Result{FunctionError: "Unhandled"}, nil, "half"),
		said("text/plain", Result{}, errors.New("disk on fire"), "half"),
	} {
		served := make(chan Served, 1)
		s := openService(t, Config{Invoker: answer(`1`), Streamer: broken, Events: func(e Event) {
			if e, ok := e.(Served); ok {
				served <- e
			}
		}})
		res, err := http.Get(openURL(t, s, FunctionURL{InvokeMode: "RESPONSE_STREAM"}))
		must(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != "half" || err == nil {
			t.Errorf("broken off: %q, %v", body, err)
		}
		if e := <-served; e.Status != 200 || e.Bytes != 4 || e.IntegrationError == "" {
			t.Errorf("the access log says %+v", e)
		}
	}
}

func TestAStreamComesAsItIsWritten(t *testing.T) {
	t.Parallel()
	seen := make(chan bool)
	s := openService(t, Config{Invoker: answer(`1`), Streamer: streamFunc(func(_ context.Context, _ Call, to Stream) (Result, error) {
		to.Start("text/event-stream")
		_, err := io.WriteString(to, "first")
		must(t, err)
		<-seen
		_, err = io.WriteString(to, "second")
		return Result{}, err
	})})
	res, err := http.Get(openURL(t, s, FunctionURL{InvokeMode: "RESPONSE_STREAM"}))
	must(t, err)
	defer res.Body.Close()
	buf := make([]byte, 100)
	n, err := res.Body.Read(buf)
	if string(buf[:n]) != "first" || err != nil {
		t.Errorf("first came %q, %v", buf[:n], err)
	}
	close(seen)
	if rest, err := io.ReadAll(res.Body); string(rest) != "second" || err != nil {
		t.Errorf("then came %q, %v", rest, err)
	}
}

func FuzzPrelude(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"}}`+"\x00\x00\x00\x00\x00\x00\x00\x00body"), 7)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = max(0, min(cut, len(text)))
		write := func(chunks ...[]byte) (int, string) {
			w := newRecordingWriter()
			s := &streamWriter{w: w, decorate: func(http.Header) {}}
			s.Start(integrationResponse)
			for _, c := range chunks {
				if _, err := s.Write(c); err != nil {
					return 0, ""
				}
			}
			if s.end() != nil {
				return 0, ""
			}
			return s.status, w.body.String()
		}
		status, body := write(text)
		if again, same := write(text[:cut], text[cut:]); status != again || body != same {
			t.Errorf("in one piece %d %q, in two %d %q", status, body, again, same)
		}
	})
}

type recordingWriter struct {
	header http.Header
	body   strings.Builder
}

func newRecordingWriter() *recordingWriter { return &recordingWriter{header: http.Header{}} }

func (w *recordingWriter) Header() http.Header         { return w.header }
func (w *recordingWriter) WriteHeader(int)             {}
func (w *recordingWriter) Write(p []byte) (int, error) { return w.body.Write(p) }
