package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever the store does in between, at the end it has every invocation and every increment once.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	hijack := func(w http.ResponseWriter) net.Conn {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		return c
	}
	f := func(name string, fault func(w http.ResponseWriter) (kept bool)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(t)
			l := startLambda(t, "Hello", st)
			st.set(func(n int, w http.ResponseWriter) bool {
				if n == 0 {
					w.WriteHeader(http.StatusNoContent)
					return true
				}
				return fault(w)
			})
			l.invoke(`{}`)
			l.invoke(`{}`)
			l.frozen()
			n := len(st.writes())
			l.invoke(`{}`) // while it backs off
			l.frozen()
			if m := len(st.writes()); m != n {
				t.Errorf("%d writes while it backs off", m-n)
			}
			st.set(nil)
			time.Sleep(1100 * time.Millisecond) // the shortest back-off, with nothing to wait for
			l.invoke(`{}`)
			l.frozen()
			checkInvocations(t, st, 4, nil)
			var sum int64
			for _, p := range st.of("hellos") {
				sum += p["count"].(int64)
			}
			if sum != 4 {
				t.Errorf("the counter's deltas add up to %d", sum)
			}
			writes := st.writes()
			if diff := cmp.Diff(string(writes[1]), string(writes[n])); diff != "" {
				t.Errorf("the batch changed (-first +again)\n%s", diff)
			}
			l.stop(syscall.SIGTERM)
			if last := checkPublisher(t, st, true); last["retries"].(int64) < 1 || last["dropped"] != int64(0) {
				t.Errorf("the publisher says %v", last)
			}
			if strings.Contains(l.log.String(), "secret") {
				t.Errorf("the log tells the password:\n%s", l.log.String())
			}
		})
	}
	f("answers 500", func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return false
	})
	f("answers 429", func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		return false
	})
	f("resets", func(w http.ResponseWriter) bool {
		_ = hijack(w).(*net.TCPConn).SetLinger(0)
		return false
	})
	f("closes after it has written", func(w http.ResponseWriter) bool {
		hijack(w).Close()
		return true
	})
	f("writes and answers too late", func(w http.ResponseWriter) bool {
		time.Sleep(400 * time.Millisecond)
		return true
	})
}

func TestStoreIsGone(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st)
	l.invoke(`{}`)
	l.frozen()
	st.server.CloseClientConnections()
	st.server.Close()
	for range 5 {
		if a := l.invoke(`{"item":"you"}`); a.body != `"Hello <you>"` {
			t.Errorf("the answer is %+v", a)
		}
	}
	l.frozen()
	l.stop(syscall.SIGTERM)
	checkInvocations(t, st, 1, nil)
	if n := strings.Count(l.log.String(), "the store does not take the metrics"); n != 1 {
		t.Errorf("the log tells of it %d times:\n%s", n, l.log.String())
	}
}

func TestPoisonNeverBlocksTheRest(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	st.set(func(n int, w http.ResponseWriter) bool {
		if n == 1 {
			w.WriteHeader(http.StatusBadRequest)
			return false
		}
		w.WriteHeader(http.StatusNoContent)
		return true
	})
	l := startLambda(t, "Hello", st)
	for range 4 {
		l.invoke(`{}`)
	}
	l.frozen()
	l.stop(syscall.SIGTERM)
	points := st.of("publisher")
	last := points[len(points)-1]
	if len(points) != 4 || last["seq"] != int64(5) || last["dropped"] != int64(3) || last["retries"] != int64(0) {
		t.Errorf("%d points, the last is %v", len(points), last)
	}
	if n := len(st.of("invocation")); n != 3 {
		t.Errorf("%d invocations", n)
	}
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body bytes.Buffer
	h := serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = body.ReadFrom(r.Body)
		w.Header().Add("X-Multi", "1")
		w.Header().Add("X-Multi", "2")
		_, _ = w.Write([]byte{0xff, 0xfe})
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
	wantResp := &response{StatusCode: 200, Headers: map[string]string{"X-Multi": "1, 2", "Content-Type": "text/plain; charset=utf-16le"},
		Body: base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe}), IsBase64Encoded: true}
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
