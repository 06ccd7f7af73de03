package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
)

// requests are one request as each of the three tells of it. The samples that they follow:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
var requests = map[string]string{
	"HTTP API": `{
		"version": "2.0", "routeKey": "POST /orders/{id}", "rawPath": "/orders/a/b%41", "rawQueryString": "x=1&x=2&y=+",
		"cookies": ["a=1", "b=2"],
		"headers": {"host": "api.example.com", "content-type": "text/plain", "x-list": "1,2", "x-forwarded-proto": "https"},
		"pathParameters": {"id": "a/b%41"},
		"requestContext": {"accountId": "123456789012", "apiId": "api-id", "domainName": "d.example.com", "domainPrefix": "d",
			"http": {"method": "POST", "path": "/orders/a/b%41", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "agent"},
			"requestId": "id", "routeKey": "POST /orders/{id}", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390},
		"body": "aGVsbG8=", "isBase64Encoded": true}`,
	"function URL": `{
		"version": "2.0", "routeKey": "$default", "rawPath": "/orders/a%2Fb%2541", "rawQueryString": "x=1&x=2&y=+",
		"cookies": ["a=1", "b=2"],
		"headers": {"host": "api.example.com", "content-type": "text/plain", "x-list": "1,2"},
		"requestContext": {"accountId": "anonymous", "apiId": "url-id", "authentication": null, "authorizer": null,
			"domainName": "url-id.lambda-url.us-west-2.on.aws", "domainPrefix": "url-id",
			"http": {"method": "POST", "path": "/orders/a%2Fb%2541", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "agent"},
			"requestId": "id", "routeKey": "$default", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390},
		"body": "aGVsbG8=", "pathParameters": null, "isBase64Encoded": true, "stageVariables": null}`,
	"REST API": `{
		"resource": "/orders/{id}", "path": "/orders/a%2Fb%2541", "httpMethod": "POST",
		"headers": {"Host": "api.example.com", "Content-Type": "text/plain", "X-List": "2", "Cookie": "a=1; b=2"},
		"multiValueHeaders": {"Host": ["api.example.com"], "Content-Type": ["text/plain"], "X-List": ["1,2"], "Cookie": ["a=1; b=2"]},
		"queryStringParameters": {"x": "2", "y": " "}, "multiValueQueryStringParameters": {"x": ["1", "2"], "y": [" "]},
		"pathParameters": {"id": "a%2Fb%2541"}, "stageVariables": null,
		"requestContext": {"accountId": "123456789012", "apiId": "id", "domainName": "d.example.com", "httpMethod": "POST",
			"identity": {"sourceIp": "192.0.2.7", "userAgent": "agent"}, "path": "/prod/orders/a%2Fb%2541", "protocol": "HTTP/1.1",
			"requestId": "id", "resourceId": "abc", "resourcePath": "/orders/{id}", "stage": "prod"},
		"body": "aGVsbG8=", "isBase64Encoded": true}`,
	"HTTP API, format 1.0": `{
		"version": "1.0", "resource": "/orders/{id}", "path": "/orders/a/b%41", "httpMethod": "POST",
		"headers": {"host": "api.example.com", "content-type": "text/plain", "x-list": "1,2", "cookie": "a=1; b=2"},
		"multiValueHeaders": null,
		"queryStringParameters": {"x": "2", "y": " "}, "multiValueQueryStringParameters": {"x": ["1", "2"], "y": [" "]},
		"pathParameters": {"id": "a/b%41"},
		"requestContext": {"apiId": "id", "domainName": "d.example.com", "httpMethod": "POST", "identity": {"sourceIp": "192.0.2.7"},
			"path": "/orders/a/b%41", "protocol": "HTTP/1.1", "stage": "$default"},
		"body": "aGVsbG8=", "isBase64Encoded": true}`,
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	png := []byte("\x89PNG\x0d\x0a\x1a\x0a")
	for name, text := range requests {
		var got *http.Request
		var body bytes.Buffer
		h := serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			_, _ = body.ReadFrom(r.Body)
			w.Header().Add("X-Multi", "1")
			w.Header().Add("X-Multi", "2")
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "3"})
			_, _ = w.Write(png)
			w.Header().Set("X-Late", "no")
		}), false)
		resp, err := h(context.Background(), json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		cookies := []string{}
		for _, c := range got.Cookies() {
			cookies = append(cookies, c.String())
		}
		host, _, _ := net.SplitHostPort(got.RemoteAddr)
		is := []any{got.Method, got.URL.String(), got.URL.Path, got.Host, got.Header.Get("X-List"), body.String(), got.ContentLength,
			host, got.Proto, got.URL.Query()["x"], cookies, got.Header.Get("Host"), string(ephor.Event(got.Context()))}
		sent := "/orders/a%2Fb%2541?x=1&x=2&y=+"
		if strings.HasPrefix(name, "HTTP API") {
			sent = "/orders/a/b%2541?x=1&x=2&y=+" // it has decoded the path, and which slash was which is lost
		}
		want := []any{"POST", sent, "/orders/a/b%41", "api.example.com", "1,2", "hello", int64(5),
			"192.0.2.7", "HTTP/1.1", []string{"1", "2"}, []string{"a=1", "b=2"}, "", text}
		if diff := cmp.Diff(want, is); diff != "" {
			t.Errorf("%s: request (-want +got)\n%s", name, diff)
		}
		if name != "function URL" && got.PathValue("id") != "a/b%41" {
			t.Errorf("%s: the variable is %q", name, got.PathValue("id"))
		}
		var wantResp any = &response{StatusCode: 200, Headers: map[string]string{"X-Multi": "1, 2", "Content-Type": "image/png"},
			Cookies: []string{"c=3"}, Body: base64.StdEncoding.EncodeToString(png), IsBase64Encoded: true}
		if !strings.Contains(text, `"version": "2.0"`) {
			wantResp = &response1{StatusCode: 200, MultiValueHeaders: map[string][]string{"X-Multi": {"1", "2"}, "Content-Type": {"image/png"}, "Set-Cookie": {"c=3"}},
				Body: base64.StdEncoding.EncodeToString(png), IsBase64Encoded: true}
		}
		if diff := cmp.Diff(wantResp, resp); diff != "" {
			t.Errorf("%s: response (-want +got)\n%s", name, diff)
		}
	}
}

const plain = `{"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}}`

func TestHTTPHandlerEnds(t *testing.T) {
	t.Parallel()
	f := func(h http.HandlerFunc, status int, body string, fails error) {
		t.Helper()
		resp, err := serveHTTP(h, false)(context.Background(), json.RawMessage(plain))
		if err != fails {
			t.Errorf("the error is %v", err)
		} else if err == nil && (resp.(*response).StatusCode != status || resp.(*response).Body != body) {
			t.Errorf("the response is %+v", resp)
		}
	}
	f(func(http.ResponseWriter, *http.Request) {}, 200, "", nil)
	f(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
		if _, err := w.Write([]byte("x")); err == nil {
			t.Error("a response without content takes some")
		}
	}, 204, "", nil)
	f(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 404) }, 404, "no\n", nil)
	f(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "", errAborted)
	f(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); ok || http.NewResponseController(w).Flush() == nil {
			t.Error("a response that goes out whole can be flushed")
		}
	}, 200, "", nil)
	defer func() {
		if v := recover(); v != "other" {
			t.Errorf("the panic has become %v", v)
		}
	}()
	f(func(http.ResponseWriter, *http.Request) { panic("other") }, 0, "", nil)
}

func FuzzHTTPEvent(f *testing.F) {
	f.Add("/a%20b", "q=%", "aGVsbG8=", "host", "x", true)
	f.Add("//host/path", "", "{", "Content-Length", "-1", false)
	f.Add("not a path", "", "", "", "", false)
	f.Fuzz(func(t *testing.T, path, query, body, header, value string, encoded bool) {
		two := event{Version: "2.0", RawPath: path, RawQueryString: query, Body: body, IsBase64Encoded: encoded,
			Headers: map[string]string{header: value}, Cookies: []string{value}, PathParameters: map[string]string{header: value}}
		two.RequestContext.HTTP.Method = "GET"
		one := event{HTTPMethod: "GET", Path: path, Body: body, IsBase64Encoded: encoded, MultiValueHeaders: map[string][]string{header: {value, value}},
			QueryStringParameters: map[string]string{query: value}, PathParameters: map[string]string{header: value}}
		for _, e := range []event{one, two} {
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			check(t, text)
		}
	})
}

func check(t *testing.T, text []byte) {
	called := false
	resp, err := serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = true
		if r.URL == nil || r.Body == nil || r.Header == nil {
			t.Error("the request is not whole")
		}
	}), false)(context.Background(), text)
	if (err == nil) != called || (resp != nil) != called {
		t.Errorf("called %v: %v, %v", called, resp, err)
	}
}
