package browsertest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestUntil(t *testing.T) {
	tab := Open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<title>a</title><script>setTimeout(() => document.title = "b", 100)</script>`))
	}))
	defer server.Close()
	Go(t, tab, server.URL)
	Until(t, tab, `document.title`, `"b"`)
	if got := JS(t, tab, `new Promise(done => setTimeout(() => done([1, null]), 10))`); got != "[1,null]" {
		t.Errorf("a promise is %s", got)
	}
}
