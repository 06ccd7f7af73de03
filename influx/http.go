package influx

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The headers of InfluxDB 1.x, as it spells them.
const (
	headerVersion   = "X-Influxdb-Version"
	headerBuild     = "X-Influxdb-Build"
	headerError     = "X-Influxdb-Error"
	headerRequestID = "Request-Id"
	headerXRequest  = "X-Request-Id"
)

// table is every endpoint there is, after https://docs.influxdata.com/influxdb/v1/tools/api/.
func (s *Server) table() map[string]map[string]http.HandlerFunc {
	return map[string]map[string]http.HandlerFunc{
		"/ping":         {"GET": servePing, "HEAD": servePing},
		"/status":       {"GET": serveStatus, "HEAD": serveStatus},
		"/health":       {"GET": serveHealth},
		"/query":        {"GET": s.serveQuery, "POST": s.serveQuery, "OPTIONS": serveOptions},
		"/write":        {"POST": s.serveWrite, "OPTIONS": serveOptions},
		"/api/v2/write": {"POST": s.serveWriteV2},
	}
}

// ServeHTTP answers as InfluxDB 1.x with auth-enabled = false does: credentials, in whatever form, are accepted
// and not looked at.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set(headerVersion, Version)
	header.Set(headerBuild, "OSS")
	id := requestID(r)
	header.Set(headerRequestID, id)
	header.Set(headerXRequest, id)

	methods, ok := s.routes[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.shareWithOrigin(w, r)
	serve, ok := methods[r.Method]
	if !ok {
		header.Set("Allow", allowed(methods))
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	header.Set("Content-Type", formatFor(r).contentType)
	if !s.begin() {
		fail(w, r, http.StatusServiceUnavailable, "the store is closing")
		return
	}
	defer s.requests.Done()
	serve(w, r)
}

// requestID is the client's own, or a random UUID.
func requestID(r *http.Request) string {
	for _, name := range []string{headerXRequest, headerRequestID} {
		if id := r.Header.Get(name); id != "" {
			return id
		}
	}
	var b [16]byte
	rand.Read(b[:])              // never fails
	b[6], b[8] = b[6]&0x0f|0x40, // RFC 9562, version 4
		b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func allowed(methods map[string]http.HandlerFunc) string {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// shareWithOrigin lets a page of an allowed origin read the answer.
func (s *Server) shareWithOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" || s.config.AllowOrigin == nil {
		return
	}
	header := w.Header()
	header.Add("Vary", "Origin")
	if !s.config.AllowOrigin(origin) {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Methods", "GET, OPTIONS, POST")
	header.Set("Access-Control-Allow-Headers", "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type")
	header.Set("Access-Control-Expose-Headers", strings.Join([]string{"Date", headerVersion, headerBuild}, ", "))
}

// serveOptions answers a preflight request; what it has to say is in the headers that every answer has.
func serveOptions(http.ResponseWriter, *http.Request) {}

// fail answers with an error in the shape of InfluxDB 1.x and in the format that the client asked for. Beside
// the body a header carries it, at most 1024 bytes of it.
func fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	w.Header().Set(headerError, message[:min(len(message), 1024)])
	w.WriteHeader(status)
	// A client that is gone by now has no use for the error of writing it.
	_ = formatFor(r).encoder().encode(w, response{err: message})
}
