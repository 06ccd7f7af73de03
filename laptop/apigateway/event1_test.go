package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

// recorder is an Invoker that keeps the last call and answers with a payload. It is called by the server's
// goroutines; tests see it through its methods.
type recorder struct {
	mu      sync.Mutex
	payload string
	call    Call
}

func (r *recorder) Invoke(_ context.Context, c Call) (Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.call = c
	return Result{Payload: []byte(r.payload)}, nil
}

func (r *recorder) answer(payload string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.payload = payload
}

func (r *recorder) last() Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.call
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.call = Call{}
}

// members are the names in an object, by their paths, with what kind of value each has. Samples of
// AWS's pages are compared with events by them.
func members(t *testing.T, text []byte, except ...string) map[string]string {
	t.Helper()
	var v any
	must(t, json.Unmarshal(text, &v))
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			out[path] = "object"
			for _, open := range except {
				if path == open {
					return
				}
			}
			for name, value := range v {
				walk(path+"."+name, value)
			}
		case []any:
			out[path] = "list"
		case string:
			out[path] = "string"
		case float64:
			out[path] = "number"
		case bool:
			out[path] = "boolean"
		case nil:
			out[path] = "null"
		}
	}
	walk("", v)
	return out
}

// What stands in a format 1.0 event of an HTTP API, by
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html;
// claims and certificates stand only in events of APIs that have them.
const http1 = `{
	"version": "1.0", "resource": "/my/path", "path": "/my/path", "httpMethod": "POST",
	"headers": {"header1": "value1"}, "multiValueHeaders": {"header1": ["value1"]},
	"queryStringParameters": {"parameter1": "value1"}, "multiValueQueryStringParameters": {"parameter1": ["value1", "value2"]},
	"requestContext": {
		"accountId": "123456789012", "apiId": "id", "domainName": "id.execute-api.us-east-1.amazonaws.com", "domainPrefix": "id",
		"extendedRequestId": "request-id", "httpMethod": "POST",
		"identity": {"accessKey": null, "accountId": null, "caller": null, "cognitoAuthenticationProvider": null, "cognitoAuthenticationType": null,
			"cognitoIdentityId": null, "cognitoIdentityPoolId": null, "principalOrgId": null, "sourceIp": "192.0.2.1", "user": null,
			"userAgent": "user-agent", "userArn": null},
		"path": "/my/path", "protocol": "HTTP/1.1", "requestId": "id=", "requestTime": "04/Mar/2020:19:15:17 +0000",
		"requestTimeEpoch": 1583349317135, "resourceId": null, "resourcePath": "/my/path", "stage": "$default"},
	"pathParameters": null, "stageVariables": null, "body": "Hello from Lambda!", "isBase64Encoded": false}`

func TestAnHTTPAPISpeaksFormat1(t *testing.T) {
	t.Parallel()
	r := &recorder{payload: `{"statusCode":201,"headers":{"x-a":"1"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"],"x-a":["1","0"]},"body":"aGk=","isBase64Encoded":true}`}
	s := openService(t, Config{Invoker: r})
	api := newTestAPI(t, s, "POST /my/path")
	format1(t, s, api)
	res, body := get(t, "POST", s.Endpoint(api.APIID)+"/my/path?parameter1=value1&parameter1=value2", strings.NewReader("Hello from Lambda!"),
		"Content-Type", "text/plain", "Header2", "a", "Header2", "b", "Cookie", "c=1")
	if diff := cmp.Diff(members(t, []byte(http1), ".headers", ".multiValueHeaders", ".queryStringParameters", ".multiValueQueryStringParameters"),
		members(t, r.last().Payload, ".headers", ".multiValueHeaders", ".queryStringParameters", ".multiValueQueryStringParameters")); diff != "" {
		t.Error(diff)
	}
	var e events.APIGatewayProxyRequest
	must(t, json.Unmarshal(r.last().Payload, &e))
	is := []any{e.Headers["header2"], e.MultiValueHeaders["header2"], e.Headers["cookie"], e.Headers["content-length"], e.QueryStringParameters,
		e.MultiValueQueryStringParameters, e.RequestContext.RequestID, e.Body}
	want := []any{"b", []string{"a", "b"}, "c=1", "18", map[string]string{"parameter1": "value2"},
		map[string][]string{"parameter1": {"value1", "value2"}}, res.Header.Get("Apigw-Requestid"), "Hello from Lambda!"}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	if res.StatusCode != 201 || body != "hi" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	if diff := cmp.Diff([][]string{{"a=1", "b=2"}, {"1", "0"}}, [][]string{res.Header["Set-Cookie"], res.Header["X-A"]}); diff != "" {
		t.Error(diff)
	}
	r.answer(`"text"`)
	if res, body := get(t, "POST", s.Endpoint(api.APIID)+"/my/path", nil); res.StatusCode != 500 || body != `{"message":"Internal Server Error"}` {
		t.Errorf("an answer without a statusCode: %d %s", res.StatusCode, body)
	}
}

// format1 makes an API's integrations speak payload format 1.0.
func format1(t *testing.T, s *Service, api API) {
	t.Helper()
	all, err := s.ListIntegrations(api.APIID)
	must(t, err)
	for _, i := range all {
		in := i.input()
		in.PayloadFormatVersion = "1.0"
		_, err := s.UpdateIntegration(api.APIID, i.IntegrationID, in)
		must(t, err)
	}
}

func TestParseProxy(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{``, `null`, `{}`, `[]`, `"text"`, `{"body":"x"}`, `{"statusCode":null}`, `{"statusCode":0}`, `{"statusCode":200,"body":{}}`,
		`{"statusCode":200,"headers":{"a":[]}}`, `{"statusCode":200,"multiValueHeaders":{"a":"b"}}`, `{"statusCode":200,"isBase64Encoded":"yes"}`,
		`{"statusCode":200,"isBase64Encoded":true,"body":"%"}`, `{"statusCode":200`} {
		if out, err := parseProxy([]byte(bad)); err == nil {
			t.Errorf("%s: %+v, want an error", bad, out)
		}
	}
	out, err := parseProxy([]byte(`{"statusCode":"200","headers":{"b":true,"A":"1"},"multiValueHeaders":{"a":["2","1"]},"extra":1}`))
	if diff := cmp.Diff([][2]string{{"a", "2"}, {"a", "1"}, {"b", "true"}}, out.headers); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestBinaryTypes(t *testing.T) {
	t.Parallel()
	f := func(types, header string, want bool) {
		t.Helper()
		if got := binaryTypes(strings.Fields(types)).has(header); got != want {
			t.Errorf("%q has %q: %v", types, header, got)
		}
	}
	f("", "image/png", false)
	f("image/png", "image/png", true)
	f("image/png", "Image/PNG; q=1, text/html", true)
	f("image/png", "text/html, image/png", false)
	f("image/*", "image/webp", true)
	f("image/*", "video/webp", false)
	f("*/*", "anything", true)
	f("application/json", "", true)
}

func FuzzEvent1(f *testing.F) {
	f.Add("a=b&a=c&%zz", "X", "v", []byte("body"), true)
	f.Fuzz(func(t *testing.T, query, name, value string, body []byte, version bool) {
		r := &request{Request: &http.Request{Method: "GET", Host: "h", Proto: "HTTP/1.1", Header: http.Header{name: {value, value}}},
			stage: &stageTable{}, route: &target{key: defaultRoute}, body: body}
		r.URL = mustURL(query)
		d := json.NewDecoder(bytes.NewReader(r.event1(&event1{version: version, path: "/", binary: true})))
		var e events.APIGatewayProxyRequest
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
	})
}
