package deploy_test

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
)

// ask sends a request and tells status, body, cookies and a header of the answer.
func ask(t *testing.T, method, url, body string, headers ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s %v %v", res.StatusCode, text, res.Header["Set-Cookie"], strings.Join(res.Header["X-Multi"], ","))
}

// One binary, three stacks, real requests: an http.Handler gives the same answers behind an HTTP
// API, a REST API and function URLs.
func TestAnHTTPHandlerBehindEverything(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	ctx := t.Context()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "ephor_lambda,lambda.norpc", "-o", binary, "./testdata/three")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pack, err := deploy.Pack("Three", binary, runtime.GOARCH, ephor.Archive{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Upload(ctx, pack); err != nil {
		t.Fatal(err)
	}
	code := pack.Code()
	converge := func(app *ephor.App) map[string]string {
		t.Helper()
		if err := app.Validate(); err != nil {
			t.Fatal(err)
		}
		r, err := d.Converge(ctx, ephor.Stack{Name: app.Name(), Template: deploy.Template(app, code)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Outputs
	}
	handler := func() error { return nil } // the binary has its own
	twice := []string{"X-Sent", "a", "X-Sent", "b", "Cookie", "c=3", "Content-Type", "text/plain"}
	const cookies = "[seen=1 last=now]"
	f := func(url, wantMulti, wantSent, wantID, wantFormat string) {
		t.Helper()
		want := fmt.Sprintf("418 PUT /orders/a b [1 2] id=%s %q c=3 %s format=%s %s %s", wantID, "hello", wantSent, wantFormat, cookies, wantMulti)
		if diff := cmp.Diff(want, ask(t, "PUT", url+"/orders/a%20b?x=1&x=2", "hello", twice...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}

	two := ephor.New("Two")
	h := two.Function("Handle", handler)
	two.API(ephor.API{CORS: &ephor.CORS{Origins: []string{"https://shop.example"}}})
	two.Route("ANY", "/orders/{id}", h)
	two.Route("ANY", "/{rest+}", h)
	out := converge(two)
	f(out[deploy.OutputAPI], "1, 2", "[a,b]", "a b", "2.0")
	if got := ask(t, "GET", out[deploy.OutputAPI]+"/bytes", ""); got != "200 \x01\x02\xff "+cookies+" " {
		t.Errorf("bytes through the HTTP API: %q", got)
	}
	if got := ask(t, "GET", out[deploy.OutputAPI]+"/stream", ""); got != "200 first,whole,second "+cookies+" " {
		t.Errorf("a flush behind the HTTP API: %q", got)
	}
	// A page of a site that the API's own configuration names gets through, and no other.
	for origin, want := range map[string]string{"https://shop.example": "418", "https://evil.example": "403"} {
		if got := ask(t, "POST", out[deploy.OutputAPI]+"/orders/1", "", "Origin", origin); !strings.HasPrefix(got, want+" ") {
			t.Errorf("from %s: %q, want %s", origin, got, want)
		}
	}

	three := ephor.New("Three")
	h = three.Function("Handle", handler)
	h.URL = &ephor.URL{CORS: &ephor.CORS{Origins: []string{"https://shop.example"}}}
	s := three.Function("Stream", handler)
	s.URL = &ephor.URL{Stream: true}
	three.Function("Raw", handler).URL = &ephor.URL{Stream: true}
	three.API(ephor.API{REST: true, Stage: "live", BinaryTypes: []string{"image/*"}, CORS: &ephor.CORS{Origins: []string{"https://shop.example"}}})
	three.Route("ANY", "/orders/{id}", h)
	three.Get("/{rest+}", h)
	out = converge(three)
	if !strings.HasPrefix(out[deploy.OutputAPI], "http://127.0.0.1:") || !strings.HasSuffix(out[deploy.OutputAPI], "/live") {
		t.Errorf("the REST API is at %s", out[deploy.OutputAPI])
	}
	f(out[deploy.OutputAPI], "1,2", "[a b]", "a b", "")
	if got := ask(t, "GET", out[deploy.OutputAPI]+"/bytes", "", "Accept", "image/png"); got != "200 \x01\x02\xff "+cookies+" " {
		t.Errorf("bytes through the REST API: %q", got)
	}
	preflight := []string{"Origin", "https://shop.example", "Access-Control-Request-Method", "PUT"}
	if got := ask(t, "OPTIONS", out[deploy.OutputAPI]+"/orders/1", "", preflight...); got != "204  [] " {
		t.Errorf("the preflight of the REST API: %q", got)
	}
	f(strings.TrimSuffix(out[deploy.OutputURL("Handle")], "/"), "1, 2", "[a,b]", "", "2.0")
	f(strings.TrimSuffix(out[deploy.OutputURL("Stream")], "/"), "1, 2", "[a,b]", "", "2.0")
	if got := ask(t, "GET", out[deploy.OutputURL("Handle")]+"stream", ""); got != "200 first,whole,second "+cookies+" " {
		t.Errorf("a flush behind a buffered URL: %q", got)
	}
	if got := ask(t, "GET", out[deploy.OutputURL("Stream")]+"stream", ""); got != "200 first,second "+cookies+" " {
		t.Errorf("a flush behind a URL that streams: %q", got)
	}

	if got := ask(t, "GET", out[deploy.OutputURL("Raw")], ""); got != "418 streamed [a=1] " {
		t.Errorf("the library's own streamed response: %q", got)
	}
	// Nobody is let in whom the policy does not allow both.
	one := ephor.New("One")
	one.Function("Handle", handler).URL = &ephor.URL{}
	template := deploy.Template(one, code)
	delete(template.Resources, "HandleUrlInvoke")
	r, err := d.Converge(ctx, ephor.Stack{Name: "One", Template: template})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, "GET", r.Outputs[deploy.OutputURL("Handle")], ""); got != `403 {"Message":"Forbidden"} [] ` {
		t.Errorf("with one permission of two: %q", got)
	}

	// Another route is another deployment, behind the same address.
	before := out[deploy.OutputAPI]
	three.Get("/", h)
	if out = converge(three); out[deploy.OutputAPI] != before {
		t.Errorf("the REST API has moved from %s to %s", before, out[deploy.OutputAPI])
	}
	if got := ask(t, "GET", before, ""); !strings.HasPrefix(got, "418 GET / ") {
		t.Errorf("the new route: %q", got)
	}
	for state := ""; state != "UPDATE_COMPLETE"; time.Sleep(10 * time.Millisecond) {
		s, err := d.State(ctx, "Three")
		if err != nil {
			t.Fatal(err)
		}
		state = s.Status
	}
	if err := d.Delete(ctx, "Three"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(out[deploy.OutputURL("Handle")])
		if err != nil {
			break // nobody listens any more
		}
		res.Body.Close()
		if time.Now().After(deadline) {
			t.Fatal("a deleted URL answers")
		}
	}
}
