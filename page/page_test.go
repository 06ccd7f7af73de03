package page

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func boards() []Dashboard {
	return []Dashboard{
		{UID: "hello", Title: "Hello", JSON: []byte(`{"title":"Hello","panels":[]}`)},
		{UID: "two", Title: "Two", JSON: []byte(`{"title":"Two"}`)},
	}
}

func serve(t *testing.T, c Config) *httptest.Server {
	t.Helper()
	if c.Store == nil {
		c.Store = func() string { return "" }
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// send makes a request as a program does, or with headers as a browser.
func send(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	store := func() string { return "" }
	f := func(c Config, want string) {
		t.Helper()
		_, err := New(c)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(Config{}, "page: the configuration names no store")
	f(Config{Store: store, Dashboards: []Dashboard{{UID: "a/b", Title: "T", JSON: []byte("{}")}}},
		`page: dashboard "T": the UID "a/b" is not 1 to 40 letters, digits, hyphens or underscores`)
	f(Config{Store: store, Dashboards: []Dashboard{{UID: "a", Title: "T", JSON: []byte("{")}}}, `page: dashboard "T": its model is not JSON`)
	f(Config{Store: store, Dashboards: []Dashboard{{UID: "a", JSON: []byte("{}")}, {UID: "a", Title: "T", JSON: []byte("{}")}}},
		`page: dashboard "T": there are two with the UID a`)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	server := serve(t, Config{Title: `A <b>&"`, Dashboards: boards()})
	const html, data = "text/html; charset=utf-8", "application/json"
	f := func(method, path, accept string, code int, kind, contains string) {
		t.Helper()
		resp, body := send(t, method, server.URL+path, "Accept", accept)
		if resp.StatusCode != code || resp.Header.Get("Content-Type") != kind || !strings.Contains(body, contains) {
			t.Errorf("%s %s: %s, %s, want %d, %s and %q in\n%s", method, path, resp.Status, resp.Header.Get("Content-Type"), code, kind, contains, body)
		}
	}
	f("GET", "/d/hello", "text/html", 200, html, "<title>A &lt;b&gt;&amp;")
	f("GET", "/d/hello/whatever", "text/html", 200, html, `src="/assets/js/main.js"`)
	f("HEAD", "/d/hello/whatever", "text/html", 200, html, "")
	f("GET", "/d/nope/nope", "text/html", 404, html, `src="/assets/js/main.js"`)
	f("GET", "/nope", "text/html", 404, html, "")
	f("GET", "/nope", "*/*", 404, data, `{"error":"there is nothing at /nope"}`)
	f("GET", "/assets/js/nope.js", "*/*", 404, data, "there is no asset /assets/js/nope.js")
	f("GET", "/assets/index.html", "*/*", 404, data, "there is no asset")
	f("GET", "/assets/uplot/LICENSE", "*/*", 200, "text/plain; charset=utf-8", "The MIT License")
	f("GET", "/assets/js/main.js", "*/*", 200, "text/javascript; charset=utf-8", "import")
	f("POST", "/d/hello", "text/html", 405, data, "this page only reads")
	f("POST", "/query", "*/*", 405, data, "this page only reads")
	f("DELETE", "/api/dashboards", "*/*", 405, data, "this page only reads")

	if resp, _ := send(t, "GET", server.URL+"/"); resp.StatusCode != 302 || resp.Header.Get("Location") != "/d/hello/hello" {
		t.Errorf("the first page leads to %q (%s)", resp.Header.Get("Location"), resp.Status)
	}
}

func TestWithoutDashboards(t *testing.T) {
	t.Parallel()
	server := serve(t, Config{Title: "A"})
	resp, _ := send(t, "GET", server.URL+"/", "Accept", "text/html")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the first page is %s", resp.Status)
	}
}

func TestDashboardsAreTheSameJSON(t *testing.T) {
	t.Parallel()
	_, body := send(t, "GET", serve(t, Config{Title: "A", Dashboards: boards()}).URL+"/api/dashboards")
	var got struct {
		Title      string
		Dashboards []struct {
			UID, Title, Path string
			Model            map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Dashboards) != 2 || got.Dashboards[1].Path != "/d/two/two" || got.Dashboards[0].Model["title"] != "Hello" {
		t.Errorf("got %s", body)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	server := serve(t, Config{Status: func() Status {
		return Status{Figures: []Figure{{Label: "Errors", Value: 2, Alarm: true}}, Notice: "building", Try: "curl x"}
	}})
	_, body := send(t, "GET", server.URL+"/api/status")
	var listing, status struct{ Revision string }
	_, listed := send(t, "GET", server.URL+"/api/dashboards")
	if err := errors.Join(json.Unmarshal([]byte(listed), &listing), json.Unmarshal([]byte(body), &status)); err != nil || listing.Revision == "" || listing.Revision != status.Revision {
		t.Errorf("%v: the page is of revision %q, and told to be of %q", err, listing.Revision, status.Revision)
	}
	want := `{"figures":[{"label":"Errors","value":2,"alarm":true}],"links":null,"notice":"building","failed":false,"revision":"","try":"curl x"}`
	if diff := cmp.Diff(want, strings.Replace(body, status.Revision, "", 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, body = send(t, "GET", serve(t, Config{}).URL+"/api/status"); !json.Valid([]byte(body)) {
		t.Errorf("without a status: %s", body)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	server := serve(t, Config{Dashboards: boards()})
	for _, path := range []string{"/", "/d/hello", "/nope", "/api/status", "/query?q=x", "/assets/js/main.js", "/favicon.ico"} {
		resp, _ := send(t, "GET", server.URL+path)
		h := resp.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: Content-Security-Policy is %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestAssetsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	server := serve(t, Config{})
	resp, body := send(t, "GET", server.URL+"/assets/js/main.js")
	etag := resp.Header.Get("ETag")
	if etag == "" || resp.Header.Get("Cache-Control") != "no-cache" || body == "" {
		t.Fatalf("ETag %q, Cache-Control %q, %d bytes", etag, resp.Header.Get("Cache-Control"), len(body))
	}
	if resp, body = send(t, "GET", server.URL+"/assets/js/main.js", "If-None-Match", etag); resp.StatusCode != 304 || body != "" {
		t.Errorf("the second time: %s with %d bytes", resp.Status, len(body))
	}
	if resp, _ = send(t, "GET", server.URL+"/assets/js/main.js", "If-None-Match", `"other"`); resp.StatusCode != 200 {
		t.Errorf("after a change: %s", resp.Status)
	}
}
