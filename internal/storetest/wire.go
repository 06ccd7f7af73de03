package storetest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
)

// A wire is the way from a publisher to the store. It sees every write, and may meddle with it.
type wire struct {
	next http.RoundTripper

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

var errHungUp = errors.New("the connection was closed")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	points, gzipped, err := readPoints(r)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	n, meddle := len(w.writes), w.meddle
	w.writes = append(w.writes, write{points: points, gzipped: gzipped})
	w.mu.Unlock()

	r = r.Clone(r.Context())
	instead, forward, heard := points, true, true
	if meddle != nil {
		instead, forward, heard = meddle(n, r, points)
	}
	if instead != points {
		r.Header.Del("Content-Encoding")
	} else if gzipped {
		instead = packed(points)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(instead))), int64(len(instead))
	if !forward && !heard {
		return nil, errHungUp
	}
	response := &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}
	if forward {
		if response, err = w.next.RoundTrip(r); err != nil {
			return nil, err
		}
		w.mu.Lock()
		w.writes[n].status = response.StatusCode
		w.mu.Unlock()
	}
	if !heard {
		_ = response.Body.Close() // nobody reads it
		return nil, errHungUp
	}
	return response, nil
}

func (w *wire) CloseIdleConnections() {
	if c, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
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

func readPoints(r *http.Request) (points string, gzipped bool, err error) {
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
