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
)

// An event is an HTTP request as a function is told of it, as far as an HTTP handler has use for
// it: in payload format 2.0, which HTTP APIs and function URLs send, or in format 1.0, which REST
// APIs and, if they are told to, HTTP APIs send.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
type event struct {
	Version         string            `json:"version"` // a REST API's has none
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
		Protocol string `json:"protocol"` // 1.0
		Identity struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"` // 1.0
	} `json:"requestContext"`

	// Of format 2.0.
	RawPath        string   `json:"rawPath"`
	RawQueryString string   `json:"rawQueryString"`
	Cookies        []string `json:"cookies"`

	// Of format 1.0.
	HTTPMethod                      string              `json:"httpMethod"`
	Path                            string              `json:"path"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
}

// first says that the event is of payload format 1.0.
func (e *event) first() bool {
	return e.HTTPMethod != "" && (e.Version == "" || e.Version == "1.0")
}

// throughURL says that the request came to a function URL. All that tells it from an HTTP API is
// the name of the host, ID.lambda-url.REGION.on.aws.
func (e *event) throughURL() bool {
	_, rest, _ := strings.Cut(e.RequestContext.DomainName, ".")
	return strings.HasPrefix(rest, "lambda-url.")
}

// decoded says that an HTTP API sends the event: path and variables have no percent-encoding any more, and a
// percent sign in them is one. REST APIs and function URLs pass both on as they were sent. The documentation
// does not tell; these have what live events were seen to hold:
// https://github.com/middleapi/standard-server/pull/93
// https://github.com/honojs/hono/issues/2156
func (e *event) decoded() bool {
	if e.first() {
		return e.Version != ""
	}
	return !e.throughURL()
}

// request is the event as a server would have received it.
func (e *event) request(ctx context.Context) (*http.Request, error) {
	method, path, query := e.RequestContext.HTTP.Method, e.RawPath, e.RawQueryString
	protocol, source := e.RequestContext.HTTP.Protocol, e.RequestContext.HTTP.SourceIP
	if e.first() {
		method, path, query = e.HTTPMethod, e.Path, e.query1()
		protocol, source = e.RequestContext.Protocol, e.RequestContext.Identity.SourceIP
	} else if e.Version != "2.0" || method == "" {
		return nil, errors.New("the event is no request of payload format 1.0 or 2.0, as REST APIs, HTTP APIs and function URLs send them: an HTTP handler serves no other")
	}
	u := &url.URL{Path: path}
	if sent, err := url.ParseRequestURI(path); err == nil && strings.HasPrefix(path, "/") && !e.decoded() {
		u = sent
	}
	u.RawQuery = query
	body, length, err := e.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "/", body)
	if err != nil {
		return nil, err
	}
	req.URL, req.RequestURI, req.ContentLength = u, u.RequestURI(), length
	e.headers(req.Header)
	req.Host = req.Header.Get("Host")
	if req.Host == "" {
		req.Host = e.RequestContext.DomainName
	}
	req.Header.Del("Host") // where net/http's server has it
	if major, minor, ok := http.ParseHTTPVersion(protocol); ok {
		req.Proto, req.ProtoMajor, req.ProtoMinor = protocol, major, minor
	}
	// The port is not told; handlers split it off nonetheless.
	if strings.Contains(source, ":") {
		req.RemoteAddr = "[" + source + "]:0"
	} else if source != "" {
		req.RemoteAddr = source + ":0"
	}
	for name, value := range e.PathParameters {
		req.SetPathValue(name, e.variable(value))
	}
	return req, nil
}

// variable is the value of a path's variable.
func (e *event) variable(value string) string {
	if e.decoded() {
		return value
	}
	if text, err := url.PathUnescape(value); err == nil {
		return text
	}
	return value
}

func (e *event) body() (io.Reader, int64, error) {
	if !e.IsBase64Encoded {
		return strings.NewReader(e.Body), int64(len(e.Body)), nil
	}
	b, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("the body of the event: %w", err)
	}
	return bytes.NewReader(b), int64(len(b)), nil
}

func (e *event) headers(h http.Header) {
	for name, value := range e.Headers {
		h.Set(name, value)
	}
	for name, values := range e.MultiValueHeaders {
		h.Del(name)
		for _, value := range values {
			h.Add(name, value)
		}
	}
	if len(e.Cookies) > 0 {
		h.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
}

// query1 is the query string of an event of format 1.0, which has its parameters decoded and not
// their order.
func (e *event) query1() string {
	values := url.Values(e.MultiValueQueryStringParameters)
	if values == nil {
		values = url.Values{}
		for name, value := range e.QueryStringParameters {
			values.Set(name, value)
		}
	}
	return values.Encode()
}
