package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A request is an event of payload format 2.0, as HTTP APIs and function URLs send it, as far as
// an HTTP handler has use for it.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type request struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies"`
	Headers         map[string]string `json:"headers"`
	PathParameters  map[string]string `json:"pathParameters"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		DomainName string `json:"domainName"`
		HTTP       struct {
			Method   string `json:"method"`
			Protocol string `json:"protocol"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

// A response is the answer to it.
type response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers,omitempty"`
	Cookies         []string          `json:"cookies,omitempty"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

var errAborted = errors.New("the HTTP handler aborted the response")

func serveHTTP(h http.Handler) func(context.Context, request) (*response, error) {
	return func(ctx context.Context, r request) (resp *response, err error) {
		req, err := r.http(ctx)
		if err != nil {
			return nil, err
		}
		w := &responseWriter{header: http.Header{}}
		defer func() {
			// The one panic that net/http takes for an answer. Of any other the process ends, as
			// of every handler's.
			if v := recover(); v == http.ErrAbortHandler {
				resp, err = nil, errAborted
			} else if v != nil {
				panic(v)
			}
		}()
		h.ServeHTTP(w, req)
		return w.response(), nil
	}
}

func (r *request) http(ctx context.Context) (*http.Request, error) {
	if r.Version != "2.0" || r.RequestContext.HTTP.Method == "" {
		return nil, errors.New("the event is not of payload format 2.0, as HTTP APIs and function URLs send it: an HTTP handler serves no other")
	}
	u, err := url.ParseRequestURI(r.RawPath)
	if err != nil {
		u = &url.URL{Path: r.RawPath} // some gateways have decoded it already
	}
	u.RawQuery = r.RawQueryString
	var body io.Reader = strings.NewReader(r.Body)
	length := int64(len(r.Body))
	if r.IsBase64Encoded {
		b, err := base64.StdEncoding.DecodeString(r.Body)
		if err != nil {
			return nil, fmt.Errorf("the body of the event: %w", err)
		}
		body, length = bytes.NewReader(b), int64(len(b))
	}
	req, err := http.NewRequestWithContext(ctx, r.RequestContext.HTTP.Method, "/", body)
	if err != nil {
		return nil, err
	}
	req.URL, req.RequestURI, req.ContentLength = u, u.RequestURI(), length
	for name, value := range r.Headers {
		req.Header.Set(name, value)
	}
	if len(r.Cookies) > 0 {
		req.Header.Set("Cookie", strings.Join(r.Cookies, "; "))
	}
	req.Host = req.Header.Get("Host")
	if req.Host == "" {
		req.Host = r.RequestContext.DomainName
	}
	req.Header.Del("Host") // where net/http's server has it
	if major, minor, ok := http.ParseHTTPVersion(r.RequestContext.HTTP.Protocol); ok {
		req.Proto, req.ProtoMajor, req.ProtoMinor = r.RequestContext.HTTP.Protocol, major, minor
	}
	// The port is not told; handlers split it off nonetheless.
	if ip := r.RequestContext.HTTP.SourceIP; strings.Contains(ip, ":") {
		req.RemoteAddr = "[" + ip + "]:0"
	} else if ip != "" {
		req.RemoteAddr = ip + ":0"
	}
	for name, value := range r.PathParameters {
		req.SetPathValue(name, value)
	}
	return req, nil
}

// A responseWriter gathers the response, which an event cannot have before it is whole.
type responseWriter struct {
	header http.Header
	status int
	sent   http.Header // what header held when the status was written
	body   bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 {
		return // informational ones have no place in an event
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

func (w *responseWriter) response() *response {
	w.WriteHeader(http.StatusOK)
	resp := &response{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent["Set-Cookie"]}
	if w.sent.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	for name, values := range w.sent {
		if name != "Set-Cookie" {
			resp.Headers[name] = strings.Join(values, ", ")
		}
	}
	if utf8.Valid(w.body.Bytes()) {
		resp.Body = w.body.String()
	} else {
		resp.Body, resp.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return resp
}
