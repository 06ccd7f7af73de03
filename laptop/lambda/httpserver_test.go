package lambda

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// stubborn is a listener that fails a few times before every connection.
type stubborn struct {
	net.Listener
	left int
}

func (l *stubborn) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, errors.New("too many open files")
	}
	l.left = 3
	return l.Listener.Accept()
}

func TestTheRuntimeAPIsServerSurvives(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	s := serveOn(&stubborn{Listener: l, left: 3}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("out of luck")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "well")
	}), func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err.Error())
	})
	get := func(path string) (string, error) {
		transport := &http.Transport{DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: transport}).Get("http://" + s.address() + path)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	if body, err := get("/"); err != nil || body != "well" {
		t.Errorf("after errors of Accept: %q, %v", body, err)
	}
	for _, path := range []string{"/panic", "/abort"} {
		if body, err := get(path); err == nil {
			t.Errorf("%s was answered %q", path, body)
		}
	}
	if body, err := get("/"); err != nil || body != "well" {
		t.Errorf("after a panic: %q, %v", body, err)
	}
	s.close()
	accepting, panics := 0, 0
	for _, text := range told {
		switch {
		case strings.HasPrefix(text, "accepting a connection of the Runtime API, which is tried until it succeeds: too many open files"):
			accepting++
		case strings.Contains(text, "panic: out of luck\n") && strings.Contains(text, "httpserver_test.go"):
			panics++
		default:
			t.Errorf("told: %s", text)
		}
	}
	// One for each time that it began to fail: before each connection, and perhaps after the last.
	if accepting < 2 || accepting > 7 || panics != 1 {
		t.Errorf("%d errors of Accept and %d panics were told:\n%s", accepting, panics, strings.Join(told, "\n"))
	}
}
