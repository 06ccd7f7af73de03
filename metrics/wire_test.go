package metrics

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// send sends a body over a wire and returns the answer's status and body.
func send(ctx context.Context, w *wire, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://store.test/write?db=a", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "text/plain")
	resp, err := w.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(b)), err
}

func wireTo(t *testing.T, address string) *wire {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(u, nil)
	t.Cleanup(w.close)
	return w
}

// A script is what a server does with each of its connections in turn: it reads a request and answers
// with the next text, until there is none; then it closes the connection.
func scripted(t *testing.T, connections ...[]string) (address string, requests *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests = new(atomic.Int64)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for _, answers := range connections {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(c)
			for _, answer := range answers {
				r, err := http.ReadRequest(in)
				if err != nil {
					break
				}
				_, _ = io.Copy(io.Discard, r.Body) // what has come of it
				requests.Add(1)
				if _, err := io.WriteString(c, answer); err != nil {
					break
				}
			}
			c.Close()
		}
	}()
	return "http://" + l.Addr().String(), requests
}

func TestWireKeepsItsConnection(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Host != "store.test" && !strings.HasPrefix(r.Host, "127.0.0.1:") || r.URL.RawQuery != "db=a" || r.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("%s %s %v", r.Host, r.URL, r.Header)
		}
		fmt.Fprintf(w, "%d", len(body))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	w := wireTo(t, server.URL)
	for i := range 20 {
		n := i * i * 1000
		if got, err := send(t.Context(), w, strings.Repeat("x", n)); err != nil || got != fmt.Sprint("200 ", n) {
			t.Fatal(got, err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	w.CloseIdleConnections()
	if _, err := send(t.Context(), w, ""); err != nil {
		t.Fatal(err)
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections after the first was closed", n)
	}
}

func TestWireAnswers(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 204 No Content\r\n\r\n"
	f := func(name, want string, requests int64, connections ...[]string) {
		t.Helper()
		address, n := scripted(t, connections...)
		w := wireTo(t, address)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var got []string
		for range strings.Count(want, ",") + 1 {
			s, err := send(ctx, w, "x")
			if err != nil {
				s = "error"
			}
			got = append(got, strings.TrimSpace(s))
		}
		if strings.Join(got, ",") != want || n.Load() != requests {
			t.Errorf("%s: %s after %d requests, want %s after %d", name, strings.Join(got, ","), n.Load(), want, requests)
		}
	}
	f("kept", "204,204,204", 3, []string{ok, ok, ok})
	f("a kept connection ends without an answer", "204,204", 3, []string{ok, ""}, []string{ok})
	f("a new connection ends without an answer", "error", 1, []string{""})
	f("a kept connection ends in an answer", "204,error", 2, []string{ok, "HTTP/1.1 2"})
	f("said to be closed", "204,204", 2, []string{"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"}, []string{ok})
	f("HTTP/1.0", "200 a,204", 2, []string{"HTTP/1.0 200 OK\r\n\r\na"}, []string{ok})
	f("chunked", "400 ab,204", 2, []string{"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", ok})
	f("informational", "204,204", 2, []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok, ok})
	f("a redirect is not followed", "307,204", 2, []string{"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://other.test/\r\nContent-Length: 0\r\n\r\n", ok})
	f("more than an answer", "204,204", 2, []string{ok + "HTTP/1.1 500 Not Asked\r\n\r\n"}, []string{ok})
	f("no HTTP", "error", 1, []string{"SSH-2.0-OpenSSH\r\n\r\n"})
	f("a head without end", "error", 1, []string{"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 2*maxAnswer)})
	f("a body that is too long", "error", 1, []string{"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("a", 2*maxAnswer)})
}

// What a server says on a connection that waits is no answer to the next request.
func TestWireHearsNoStaleAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := make(chan struct{})
	go func() {
		for i := range 2 {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				t.Error(err)
			}
			fmt.Fprintf(c, "HTTP/1.1 20%d OK\r\nContent-Length: 0\r\n\r\n", i)
			if i == 0 {
				time.Sleep(10 * time.Millisecond) // the answer is read by then
				fmt.Fprint(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
				time.Sleep(10 * time.Millisecond) // and this has come
				close(said)
			}
		}
	}()
	w := wireTo(t, "http://"+l.Addr().String())
	first, err := send(t.Context(), w, "")
	if err != nil {
		t.Fatal(err)
	}
	<-said
	second, err := send(t.Context(), w, "")
	if err != nil || first != "200 " || second != "201 " {
		t.Errorf("%q, %q, %v", first, second, err)
	}
}

// A request ends with its context; the next one uses another connection.
func TestWireEndsWithTheContext(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 2 {
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	defer close(release)
	w := wireTo(t, server.URL)
	if _, err := send(t.Context(), w, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if got, err := send(ctx, w, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := send(t.Context(), w, ""); err != nil || got != "204 " {
		t.Errorf("%s, %v", got, err)
	}
}

// A connection that takes longer to make than a request has is there for the next one.
func TestWireFinishesItsDial(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	w := wireTo(t, server.URL)
	dial, release, dials := w.dial, make(chan struct{}), atomic.Int64{}
	w.dial = func(ctx context.Context) (net.Conn, error) {
		dials.Add(1)
		<-release
		return dial(ctx)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if got, err := send(ctx, w, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, %v", got, err)
		}
		cancel()
	}
	close(release)
	if got, err := send(t.Context(), w, ""); err != nil || got != "204 " {
		t.Errorf("%s, %v", got, err)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// A server may refuse a request without reading it to its end.
func TestWireIsRefusedEarly(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}))
	defer server.Close()
	w := wireTo(t, server.URL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := send(ctx, w, strings.Repeat("x", 64<<20)); err != nil || got != "413 " {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWireSendsNoBrokenHeader(t *testing.T) {
	t.Parallel()
	w := newWire(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil)
	for _, value := range []string{"a\r\nB: c", "a\nb", "a\x00"} {
		r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:1/", bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", value)
		if _, err := w.RoundTrip(r); err == nil || !strings.Contains(err.Error(), "Authorization") || strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// FuzzWire has a server answer anything. Nothing but an answer or an error may come of it.
func FuzzWire(f *testing.F) {
	f.Add([]byte("HTTP/1.1 204 No Content\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), []byte(""))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		address, _ := scripted(t, []string{string(first), string(second)}, []string{string(second)})
		w := wireTo(t, address)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		for range 2 {
			if got, err := send(ctx, w, "x"); err == nil && len(got) < 4 {
				t.Errorf("%q", got)
			}
		}
	})
}

// A head may be longer than most are, and the body comes whole behind it.
func TestWireSendsALongHead(t *testing.T) {
	t.Parallel()
	const token = 1000
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(r.Header.Get("Authorization")) != len("Token ")+token || strings.Trim(string(body), "x") != "" {
			t.Errorf("%v, %v", r.Header, err)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	s, err := newStore(Config{URL: server.URL, Bucket: strings.Repeat("b", 600), Org: "o", Token: strings.Repeat("t", token)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, size := range []int{0, 1, 100, 511, 512, 513, 7000} {
		if err := s.write(t.Context(), bytes.Repeat([]byte("x"), size)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
