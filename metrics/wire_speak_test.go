package metrics

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// refusing is a server that answers 413 when it has seen a request's head, whatever is sent behind it. How it goes
// on, end says: it gets the connection.
func refusing(t *testing.T, encrypted bool, end func(net.Conn)) *wire {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	t.Cleanup(server.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scheme, done := "http", make(chan struct{})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	t.Cleanup(func() { l.Close(); <-done })
	if encrypted {
		scheme = "https"
	}
	serve := func(c net.Conn) {
		defer c.Close()
		if encrypted {
			c = tls.Server(c, &tls.Config{Certificates: server.TLS.Certificates})
		}
		var head [300]byte
		if _, err := io.ReadAtLeast(c, head[:], 100); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge") // the client may be gone
			end(c)
		}
	}
	go func() {
		defer close(done)
		var all sync.WaitGroup
		defer all.Wait()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(c) })
		}
	}()
	w := newWire(&url.URL{Scheme: scheme, Host: l.Addr().String()}, &tls.Config{RootCAs: roots})
	t.Cleanup(w.close)
	return w
}

// A server that refuses a body without reading it is heard, whatever becomes of the connection.
func TestWireHearsAnEarlyRefusal(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T) func(net.Conn){
		"it closes":               func(*testing.T) func(net.Conn) { return func(net.Conn) {} },
		"it reads no more":        func(t *testing.T) func(net.Conn) { return func(net.Conn) { <-t.Context().Done() } },
		"it reads on, and closes": func(*testing.T) func(net.Conn) { return func(c net.Conn) { _, _ = io.CopyN(io.Discard, c, 1<<20) } },
	} {
		for _, encrypted := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := refusing(t, encrypted, end(t))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for _, size := range []int{1 << 10, atOnce, 100 << 10, 32 << 20} {
					if got, err := send(ctx, w, strings.Repeat("x", size)); err != nil || got != "413 large" {
						t.Errorf("TLS %v, %d bytes: %s, %v", encrypted, size, got, err)
					}
					w.CloseIdleConnections() // a small request may have been sent whole, so that the connection is kept
				}
			})
		}
	}
}

// A long request that nobody reads ends with its context, and one that was answered in good order leaves its
// connection for the next.
func TestWireSendsLongRequests(t *testing.T) {
	t.Parallel()
	server, _, all := countedServer(t)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n != 1<<20 || err != nil {
			t.Errorf("%d bytes came, %v", n, err)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	server.Start()
	w := wireTo(t, server.URL)
	for range 20 {
		if got, err := send(t.Context(), w, strings.Repeat("x", 1<<20)); err != nil || got != "204 " {
			t.Errorf("%s, %v", got, err)
		}
	}
	if n := all.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0") // which accepts nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w = wireTo(t, "http://"+l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if got, err := send(ctx, w, strings.Repeat("x", 32<<20)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s, %v", got, err)
	}
}
