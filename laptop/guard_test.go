package laptop

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	f := func(neighbours bool, want int, method, host string, headers ...string) {
		t.Helper()
		h := guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), neighbours)
		r := httptest.NewRequest(method, "/x", strings.NewReader("a=b"))
		r.Host = host
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s to %s with %q: %d %s, want %d", method, host, headers, w.Code, w.Body, want)
		}
	}
	const own = "127.0.0.1:8086"
	// Programs.
	f(false, 200, "POST", own)
	f(false, 200, "POST", "localhost:8086")
	f(false, 200, "POST", "[::1]:8086")
	f(false, 200, "GET", "b.s3.localhost:4566")
	// DNS rebinding.
	f(false, 403, "GET", "evil.example:8086")
	f(false, 403, "GET", "localhost.evil.example")
	f(false, 403, "GET", "10.0.0.7:8086")
	f(false, 403, "GET", "")
	// Scripts and forms.
	f(false, 200, "POST", own, "Origin", "http://127.0.0.1:8086")
	f(false, 403, "POST", own, "Origin", "http://evil.example")
	f(false, 403, "POST", own, "Origin", "null")
	f(false, 403, "POST", own, "Origin", "http://127.0.0.1:5173")
	f(true, 200, "POST", own, "Origin", "http://127.0.0.1:5173")
	f(true, 403, "POST", own, "Origin", "http://127.0.0.1.evil.example")
	f(false, 403, "POST", own, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	// Images, frames and links.
	f(false, 403, "GET", own, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image")
	f(false, 403, "GET", own, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe")
	f(false, 200, "GET", own, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	f(false, 200, "GET", own, "Sec-Fetch-Site", "none")
	f(false, 403, "GET", own, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors")
	f(true, 200, "GET", own, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors")
}

func TestGuardOfAnAPI(t *testing.T) {
	t.Parallel()
	h := guardAPI(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(r *http.Request) bool { return r.Header.Get("Origin") == "https://shop.example" })
	f := func(want int, method, host string, headers ...string) {
		t.Helper()
		r := httptest.NewRequest(method, "/x", nil)
		r.Host = host
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s to %s with %q: %d %s, want %d", method, host, headers, w.Code, w.Body, want)
		}
	}
	const own = "127.0.0.1:8080"
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		f(200, method, own, "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site")
		f(200, method, own, "Origin", "http://localhost:5173")
		f(403, method, own, "Origin", "https://evil.example")
		f(403, method, own, "Origin", "null")
		f(403, method, "shop.example:8080", "Origin", "https://shop.example") // rebound
	}
	f(403, "GET", own, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors") // no origin is told
	f(200, "GET", own)
}
