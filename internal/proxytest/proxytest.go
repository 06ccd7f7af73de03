// Package proxytest is a reverse proxy whose answers are whole, for tests.
package proxytest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// New hands requests on to a server.
func New(to *url.URL) http.Handler { return Whole(httputil.NewSingleHostReverseProxy(to)) }

// Whole has a reverse proxy's request read before it is handed on. As soon as an answer begins, net/http's server closes
// a body that is still read, if only for its end; the proxy's transport then closes its own connection, and the answer breaks off.
//
// https://github.com/golang/go/issues/40747
func Whole(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the request's body: "+err.Error(), http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, int64(len(body)), nil
		if len(body) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		proxy.ServeHTTP(w, r)
	})
}
