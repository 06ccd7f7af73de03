package command

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/metrics"
)

// TestWritePoint writes as a function does, takes nothing but a store's own word for it, and tells no token.
func TestWritePoint(t *testing.T) {
	t.Parallel()
	f := func(status int, c metrics.Config, path, authorization, want string) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != "deploy,stack=Shop text=\"v1\" 1\n" || r.Method != http.MethodPost || r.URL.String() != path || r.Header.Get("Authorization") != authorization {
				t.Errorf("%s %s as %q: %s, %v", r.Method, r.URL, r.Header.Get("Authorization"), body, err)
			}
			w.Header().Set("Location", "/login")
			w.WriteHeader(status)
		}))
		defer server.Close()
		c.URL = server.URL
		got := ""
		if err := writePoint(t.Context(), c, "deploy,stack=Shop text=\"v1\" 1\n"); err != nil {
			got = err.Error()
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, "geheim") {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
	f(204, metrics.Config{}, "/write?db=ephor&precision=ns", "", "")
	f(204, metrics.Config{Database: "d", Token: "u:geheim"}, "/write?db=d&precision=ns", "Basic dTpnZWhlaW0=", "")
	f(204, metrics.Config{Org: "o", Bucket: "b", Token: "geheim"}, "/api/v2/write?bucket=b&org=o&precision=ns", "Token geheim", "")
	f(200, metrics.Config{Token: "u:geheim"}, "/write?db=ephor&precision=ns", "Basic dTpnZWhlaW0=", "200 OK")
	f(401, metrics.Config{Token: "u:geheim"}, "/write?db=ephor&precision=ns", "Basic dTpnZWhlaW0=", "401 Unauthorized")
	f(302, metrics.Config{Token: "u:geheim"}, "/write?db=ephor&precision=ns", "Basic dTpnZWhlaW0=", "302 Found")
	if err := writePoint(t.Context(), metrics.Config{URL: "http://u:geheim@127.0.0.1:1"}, "x"); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a password in the address: %v", err)
	}
}
