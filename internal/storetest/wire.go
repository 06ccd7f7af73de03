package storetest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ephor-io/ephor/metrics"
)

// A wire is the way from a publisher to the store: a server that the publisher talks to over a connection of its own, as
// in a function, with TLS where the store has it. It sees every write, and may meddle with it before it hands it on.
type wire struct {
	url, ca string // what a publisher is told of it
	store   *url.URL
	next    http.RoundTripper

	mu     sync.Mutex
	writes []write
	// meddle, if it is there, is handed the request that is made n-th, from 0, and its points, and
	// returns what to send in their place. forward says whether to send it at all, and heard whether
	// the publisher hears what the store says.
	meddle func(n int, r *http.Request, points string) (instead string, forward, heard bool)
}

type write struct {
	points  string
	gzipped bool
	status  int // 0 if it was not sent
}

// newWire starts a wire to a store, which next reaches.
func newWire(t *testing.T, c metrics.Config, next http.RoundTripper) *wire {
	t.Helper()
	store, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{store: store, next: next}
	server := httptest.NewUnstartedServer(w)
	if c.CA == "" {
		server.Start()
	} else {
		authority := NewAuthority(t)
		certificate, _ := authority.Certificate(t)
		server.TLS, w.ca = &tls.Config{Certificates: []tls.Certificate{certificate}}, authority.PEM
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	w.url = server.URL + store.Path
	return w
}

func (w *wire) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	points, gzipped, err := ReadPoints(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the publisher has hung up
	}
	w.mu.Lock()
	n, meddle := len(w.writes), w.meddle
	w.writes = append(w.writes, write{points: points, gzipped: gzipped})
	w.mu.Unlock()

	instead, forward, heard := points, true, true
	if meddle != nil {
		instead, forward, heard = meddle(n, r, points)
	}
	if instead != points {
		r.Header.Del("Content-Encoding")
	} else if gzipped {
		instead = packed(points)
	}
	status, text := http.StatusNoContent, ""
	if forward {
		if status, text, err = w.forward(r, instead); err != nil {
			status, text = http.StatusBadGateway, err.Error()
		}
		w.mu.Lock()
		w.writes[n].status = status
		w.mu.Unlock()
	}
	if !heard {
		panic(http.ErrAbortHandler) // which closes the connection
	}
	to.WriteHeader(status)
	_, _ = io.WriteString(to, text) // the publisher may have hung up
}

// forward sends points to the store as the publisher has asked for it.
func (w *wire) forward(r *http.Request, points string) (status int, text string, err error) {
	to := *r.URL
	to.Scheme, to.Host = w.store.Scheme, w.store.Host
	out, err := http.NewRequestWithContext(r.Context(), r.Method, to.String(), strings.NewReader(points))
	if err != nil {
		return 0, "", err
	}
	for _, name := range []string{"Authorization", "Content-Encoding", "Content-Type"} {
		if v := r.Header.Get(name); v != "" {
			out.Header.Set(name, v)
		}
	}
	response, err := w.next.RoundTrip(out)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func (w *wire) set(meddle func(n int, r *http.Request, points string) (string, bool, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meddle = meddle
}

func (w *wire) seen() []write {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes[:len(w.writes):len(w.writes)]
}

// ReadPoints reads the points of a write, unpacked, and closes its body.
func ReadPoints(r *http.Request) (points string, gzipped bool, err error) {
	defer r.Body.Close()
	var body io.Reader = r.Body
	if gzipped = r.Header.Get("Content-Encoding") == "gzip"; gzipped {
		if body, err = gzip.NewReader(r.Body); err != nil {
			return "", true, err
		}
	}
	b, err := io.ReadAll(body)
	return string(b), gzipped, err
}

func packed(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s) // a buffer takes all
	_ = w.Close()
	return b.String()
}

// transport reaches the store, whose certificate it knows.
func (s Store) transport(t *testing.T) *http.Transport {
	t.Helper()
	transport := &http.Transport{}
	if s.Config.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(s.Config.CA)) {
			t.Fatal("the store's CA is not PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return transport
}
