package apigateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"http://function.example"}}`)})
	api := newTestAPI(t, s, "GET /")
	url := s.Endpoint(api.APIID) + "/"
	ours := func(method string, headers ...string) (int, http.Header) {
		t.Helper()
		res, _ := get(t, method, url, nil, headers...)
		for _, name := range []string{"Apigw-Requestid", "Content-Type", "Content-Length", "Date"} {
			res.Header.Del(name)
		}
		return res.StatusCode, res.Header
	}
	f := func(wantStatus int, want http.Header, method string, headers ...string) {
		t.Helper()
		status, got := ours(method, headers...)
		if diff := cmp.Diff(want, got); status != wantStatus || diff != "" {
			t.Errorf("%s %v: %d\n%s", method, headers, status, diff)
		}
	}
	// Without a configuration the function's headers pass.
	f(200, http.Header{"Access-Control-Allow-Origin": {"http://function.example"}}, "GET", "Origin", "http://a.example")
	f(404, http.Header{}, "OPTIONS", "Origin", "http://a.example", "Access-Control-Request-Method", "GET")

	_, err := s.UpdateAPI(api.APIID, APIInput{Name: "test", ProtocolType: "HTTP", CorsConfiguration: &CORS{
		AllowOrigins: []string{"http://a.example", "https://*"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"x-a"},
		ExposeHeaders: []string{"x-b"}, MaxAge: 300, AllowCredentials: true}})
	must(t, err)
	f(200, http.Header{"Access-Control-Allow-Origin": {"http://a.example"}, "Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Expose-Headers": {"x-b"}, "Vary": {"Origin"}}, "GET", "Origin", "http://a.example")
	f(204, http.Header{"Access-Control-Allow-Origin": {"https://b.example"}, "Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Expose-Headers": {"x-b"}, "Access-Control-Allow-Methods": {"GET,PUT"}, "Access-Control-Allow-Headers": {"x-a"},
		"Access-Control-Max-Age": {"300"}, "Vary": {"Origin"}}, "OPTIONS", "Origin", "https://b.example", "Access-Control-Request-Method", "GET")
	f(204, http.Header{}, "OPTIONS", "Origin", "http://evil.example", "Access-Control-Request-Method", "GET")
	f(200, http.Header{}, "GET")

	_, err = s.UpdateAPI(api.APIID, APIInput{Name: "test", ProtocolType: "HTTP", CorsConfiguration: &CORS{AllowOrigins: []string{"*"}}})
	must(t, err)
	f(200, http.Header{"Access-Control-Allow-Origin": {"*"}}, "GET", "Origin", "http://x.example")
	for _, bad := range []CORS{{AllowOrigins: []string{"*"}, AllowCredentials: true}, {MaxAge: 86401}, {AllowOrigins: []string{"example.com"}}, {AllowOrigins: []string{"https://shop.example*"}}, {AllowOrigins: []string{"https://*.example"}}} {
		if _, err := s.UpdateAPI(api.APIID, APIInput{Name: "test", ProtocolType: "HTTP", CorsConfiguration: &bad}); awsproto.From(err).Code != "BadRequestException" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestOriginsThatAreAdmitted(t *testing.T) {
	t.Parallel()
	f := func(allowed, origin string, want bool) {
		t.Helper()
		if got := newCORS(&CORS{AllowOrigins: strings.Fields(allowed)}).admits(origin); got != want {
			t.Errorf("%q admits %q: %v", allowed, origin, got)
		}
	}
	f("https://a.example https://b.example", "https://b.example", true)
	f("https://a.example", "https://a.example.evil.example", false)
	f("https://a.example", "http://a.example", false)
	f("https://a.example", "", false)
	f("https://*", "https://anything.example", true)
	f("https://*", "http://anything.example", false)
	f("https://*.example", "https://a.example", false) // a function URL's, which nobody has checked
	f("*", "https://anything.example", true)
	f("", "https://anything.example", false)
	if newCORS(nil).admits("https://a.example") {
		t.Error("without a configuration somebody is admitted")
	}
}
