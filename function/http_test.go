package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	png := []byte("\x89PNG\x0d\x0a\x1a\x0a")
	var got *http.Request
	var body bytes.Buffer
	h := serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = body.ReadFrom(r.Body)
		w.Header().Add("X-Multi", "1")
		w.Header().Add("X-Multi", "2")
		_, _ = w.Write(png)
		w.Header().Set("X-Late", "no")
	}))
	var event request
	const text = `{
		"version": "2.0", "routeKey": "POST /orders/{id}", "rawPath": "/orders/a%2Fb", "rawQueryString": "x=1&x=2&y=%20",
		"cookies": ["a=1", "b=2"],
		"headers": {"host": "api.example.com", "content-type": "text/plain", "x-list": "1,2", "x-forwarded-proto": "https"},
		"pathParameters": {"id": "a/b"},
		"requestContext": {"domainName": "d.example.com", "http": {"method": "POST", "path": "/orders/a%2Fb", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"}},
		"body": "aGVsbG8=", "isBase64Encoded": true}`
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		t.Fatal(err)
	}
	resp, err := h(context.Background(), event)
	if err != nil {
		t.Fatal(err)
	}
	cookies := []string{}
	for _, c := range got.Cookies() {
		cookies = append(cookies, c.String())
	}
	host, _, _ := net.SplitHostPort(got.RemoteAddr)
	is := []any{got.Method, got.URL.String(), got.URL.Path, got.Host, got.Header.Get("X-List"), got.PathValue("id"), body.String(), got.ContentLength,
		host, got.Proto, got.URL.Query()["x"], cookies, got.Header.Get("Host")}
	want := []any{"POST", "/orders/a%2Fb?x=1&x=2&y=%20", "/orders/a/b", "api.example.com", "1,2", "a/b", "hello", int64(5),
		"192.0.2.7", "HTTP/1.1", []string{"1", "2"}, []string{"a=1", "b=2"}, ""}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
	wantResp := &response{StatusCode: 200, Headers: map[string]string{"X-Multi": "1, 2", "Content-Type": "image/png"},
		Body: base64.StdEncoding.EncodeToString(png), IsBase64Encoded: true}
	if diff := cmp.Diff(wantResp, resp); diff != "" {
		t.Errorf("response (-want +got)\n%s", diff)
	}
}

func TestHTTPHandlerEnds(t *testing.T) {
	t.Parallel()
	var event request
	event.Version, event.RawPath, event.RequestContext.HTTP.Method = "2.0", "/", "GET"
	f := func(h http.HandlerFunc, status int, body string, fails error) {
		t.Helper()
		resp, err := serveHTTP(h)(context.Background(), event)
		if err != fails {
			t.Errorf("the error is %v", err)
		} else if err == nil && (resp.StatusCode != status || resp.Body != body) {
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
		event := request{Version: "2.0", RawPath: path, RawQueryString: query, Body: body, IsBase64Encoded: encoded,
			Headers: map[string]string{header: value}, Cookies: []string{value}, PathParameters: map[string]string{header: value}}
		event.RequestContext.HTTP.Method = "GET"
		called := false
		resp, err := serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			if r.URL == nil || r.Body == nil || r.Header == nil {
				t.Error("the request is not whole")
			}
		}))(context.Background(), event)
		if (err == nil) != called || err == nil && resp.StatusCode != 200 {
			t.Errorf("called %v: %v, %v", called, resp, err)
		}
	})
}
