package metrics

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// A store is where batches go: anything that takes the line protocol at /write or /api/v2/write.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
// https://docs.influxdata.com/influxdb/v2/api/v2/write/
// https://docs.influxdata.com/influxdb3/core/write-data/troubleshoot/
type store struct {
	url           string
	name          string // for whoever reads an error: scheme, host and port
	authorization string
	transport     http.RoundTripper
}

func newStore(c Config) (*store, error) {
	address, err := c.writeURL()
	if err != nil {
		return nil, err
	}
	if err := c.checkToken(); err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	roots, err := c.Roots()
	switch {
	case err != nil:
		return nil, fmt.Errorf("EPHOR_STORE_CA: %w", err)
	case roots != nil && u.Scheme == "http":
		return nil, errors.New("EPHOR_STORE_CA is the authority of a store with TLS, and EPHOR_STORE_URL begins with http://, where nobody has a certificate and the token travels in plain text: make it https://, or EPHOR_STORE_CA \"system\"")
	}
	s := &store{url: address, name: u.Scheme + "://" + u.Host, authorization: c.Authorization(), transport: c.Transport}
	if s.transport != nil {
		return s, nil
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(2)}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil {
		return nil, fmt.Errorf("the proxy for the store: %w", err) // a program of CGI's must not believe HTTP_PROXY
	}
	if proxy == nil {
		s.transport = newWire(u, config)
		return s, nil
	}
	s.transport = &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig: config,
		MaxConnsPerHost: 2,
		// One request at a time has no use for HTTP/2, and a connection of HTTP/1.1 that a
		// freeze has broken is replaced without further ado.
		Protocols: http1(),
	}
	return s, nil
}

func http1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// gzipFrom is the size from which compressing costs less than sending. A batch of one invocation
// stays below, one that has gathered many does not.
const gzipFrom = 8 << 10

// write sends a batch. The store has taken it if it answers 204, as every one does; what answers 200 is
// something else, a login page perhaps. A *refusal means that it must not be sent again; after any other error it
// may or may not have been written, and sending the same bytes again is safe.
func (s *store) write(ctx context.Context, batch []byte) error {
	body, encoding := batch, ""
	if len(batch) >= gzipFrom {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if _, err := w.Write(batch); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		body, encoding = b.Bytes(), "gzip"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	if s.authorization != "" {
		req.Header.Set("Authorization", s.authorization)
	}
	// A batch may be written twice, so the request is repeated where a kept connection turns out to be closed.
	// A wire does so with every request; net/http, through a proxy, with this key, which an empty list keeps
	// off the wire.
	req.Header["Idempotency-Key"] = []string{}
	resp, err := s.transport.RoundTrip(req) // and so no redirect: it would turn the POST into a GET, and send the token elsewhere
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil // with no body, whose end would have to be read
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 256<<10)) // what is there of an error's text will do
	return answered(resp, text, time.Now())
}

// close drops the connections for good; a transport of Config's is its owner's, who may go on with it.
func (s *store) close() {
	if w, ok := s.transport.(*wire); ok {
		w.close()
		return
	}
	s.closeIdle()
}

// closeIdle drops the connections that are kept for the next batch.
func (s *store) closeIdle() {
	if t, ok := s.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
