package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/uptest"
)

// handlerUp is the application of http.Handlers, up behind an API.
func handlerUp(t *testing.T, api string) *application {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "handler.go"))
	if err != nil {
		t.Fatal(err)
	}
	const there = "ephor.API{}"
	if strings.Count(string(source), there) != 1 {
		t.Fatalf("the program has not one %s", there)
	}
	dir := uptest.NewModule(t, strings.Replace(string(source), there, api, 1))
	return up(t, dir, uptest.Build(t, dir), filepath.Join(dir, "state"))
}

// A compiled application of http.Handlers, asked through each front that can stand before one: what
// net/http's server would have told a handler, and what the handler says, passes in both directions.
func TestHandlersBehindEveryFront(t *testing.T) {
	t.Parallel()
	a := handlerUp(t, "ephor.API{}")
	rest := handlerUp(t, `ephor.API{REST: true, BinaryTypes: []string{"*/*"}}`)
	handler, streamer := strings.TrimSuffix(a.URLs["Handler"], "/"), strings.TrimSuffix(a.URLs["Streamer"], "/")

	joined, apart := []string{"a,b"}, []string{"a", "b"}
	for _, front := range []struct {
		name, address string
		routed        bool     // the route's variable has a value
		many          []string // how a repeated header arrives: payload format 2.0 joins it
		answers       []string // and how one comes back
		failed        answered
	}{
		{"HTTP API", a.API, true, joined, []string{"a, b"}, answered{status: 500, body: http500}},
		{"REST API", rest.API, true, apart, apart, answered{status: 502, body: rest502}},
		{"function URL", handler, false, joined, []string{"a, b"}, answered{status: 502, body: url502}},
		{"streamed function URL", streamer, false, joined, []string{"a, b"}, answered{status: 502, body: url502}},
	} {
		t.Run(front.name, func(t *testing.T) {
			t.Parallel()
			type told struct {
				Method, Path, Rest   string
				Query, Many, Cookies []string
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, front.address+"/told/the%20caf%C3%A9%2541%23?q=1&x=y&q=2%263+4", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header["X-Many"] = []string{"a", "b"}
			r.AddCookie(&http.Cookie{Name: "taste", Value: "sweet"})
			r.AddCookie(&http.Cookie{Name: "shape", Value: "round"})
			got, want := told{}, told{Method: http.MethodPut, Path: "/told/the café%41#", Query: []string{"1", "2&3 4"}, Many: front.many,
				Cookies: []string{"taste=sweet", "shape=round"}}
			if front.routed {
				want.Rest = "told/the café%41#"
			}
			answer := send(t, r)
			if err := json.Unmarshal([]byte(answer.body), &got); err != nil || answer.status != http.StatusOK {
				t.Fatalf("%+v: %v", answer, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("what the handler was told (-want +got):\n%s", d)
			}
			if d := cmp.Diff(http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"one=1; Path=/", "two=2; HttpOnly"}, "X-Many": front.answers},
				http.Header{"Content-Type": answer.header["Content-Type"], "Set-Cookie": answer.header["Set-Cookie"], "X-Many": answer.header["X-Many"]}); d != "" {
				t.Errorf("what the handler said (-want +got):\n%s", d)
			}

			var octets []byte
			for i := range 3000 {
				octets = append(octets, byte(i), byte(i>>8))
			}
			if r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, front.address+"/bytes", strings.NewReader(string(octets))); err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "image/png")
			if got := send(t, r); got.status != http.StatusOK || got.body != string(octets) || got.header.Get("Content-Type") != "image/png" || got.header.Get("X-Came-As-Base64") != "true" {
				t.Errorf("%d bytes came back as %d with status %d, %v", len(octets), len(got.body), got.status, got.header)
			}

			if got := ask(t, front.address+"/teapot"); got.status != http.StatusTeapot || got.body != "" {
				t.Errorf("a teapot answers %d %q", got.status, got.body)
			}
			if got := ask(t, front.address+"/panic"); got.status != front.failed.status || got.body != front.failed.body {
				t.Errorf("a panic is answered with %d %s, want %d %s", got.status, got.body, front.failed.status, front.failed.body)
			}
			if got := ask(t, front.address+"/teapot"); got.status != http.StatusTeapot {
				t.Errorf("after a panic it answers %d %q", got.status, got.body)
			}
		})
	}

	// The handler asks here before it writes the second part, and is let go on when the first has
	// been read. Were the answer held back, none would come.
	t.Run("in parts", func(t *testing.T) {
		t.Parallel()
		const one, another = "one part, ", "and another"
		read := make(chan struct{})
		gate := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-read:
			case <-r.Context().Done(): // the function is out of time
			}
		}))
		defer gate.Close()
		query := "?" + url.Values{"ask": {gate.URL}}.Encode()
		response, err := http.Get(streamer + "/parts" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		first := make([]byte, len(one))
		if _, err := io.ReadFull(response.Body, first); err != nil || response.StatusCode != http.StatusOK || string(first) != one {
			t.Fatalf("first comes %d %q (%v)", response.StatusCode, first, err)
		}
		close(read)
		if second, err := io.ReadAll(response.Body); err != nil || string(second) != another {
			t.Errorf("then %q (%v)", second, err)
		}

		// A panic in the midst of it cuts the connection.
		if response, err = http.Get(streamer + "/broken" + query); err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if all, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(one+another, string(all)) {
			t.Errorf("a broken answer is %d %q (%v)", response.StatusCode, all, err)
		}
	})
}
