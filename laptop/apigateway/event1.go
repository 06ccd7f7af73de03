package apigateway

import (
	"net/http"
	"strconv"
	"strings"
)

// event1 says how an event of payload format 1.0 differs between a REST API, whose own format it
// is, and an HTTP API that speaks it:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type event1 struct {
	version    bool   // an HTTP API's, which says so
	path       string // without the stage for a REST API
	resourceID string // "" is null
	extendedID string // "" is the request's ID
	binary     bool   // a REST API: the body is of a binary media type
}

// event1 encodes the request in payload format 1.0. Members without a value are null.
func (r *request) event1(e *event1) []byte {
	b := make([]byte, 0, 3072+len(r.body)*3/2)
	b = append(b, '{')
	encoded := e.binary
	if e.version {
		b = append(b, `"version":"1.0",`...)
		encoded = isBinary(r.Header.Get("Content-Type"))
	}
	b = r.appendRequest1(b, e)
	if encoded = encoded && len(r.body) > 0; len(r.body) > 0 {
		b = append(b, ',')
		b = r.appendBody(b, encoded)
	} else {
		b = append(b, `,"body":null`...)
	}
	b = append(b, `,"isBase64Encoded":`...)
	b = strconv.AppendBool(b, encoded)
	return append(b, '}')
}

// appendRequest1 writes what the events of functions and of authorizers have in common.
func (r *request) appendRequest1(b []byte, e *event1) []byte {
	b = appendMember(b, "resource", r.resource())
	b = append(b, ',')
	b = appendMember(b, "path", e.path)
	b = append(b, ',')
	b = appendMember(b, "httpMethod", r.Method)
	b = append(b, ',')
	b = appendMulti(b, "headers", "multiValueHeaders", r.headers1(e.version))
	b = append(b, ',')
	b = appendMulti(b, "queryStringParameters", "multiValueQueryStringParameters", multiQuery(r.URL.RawQuery))
	b = append(b, `,"requestContext":`...)
	b = r.appendContext1(b, e)
	b = append(b, `,"pathParameters":`...)
	if len(r.values) > 0 {
		b = r.appendValues(b)
	} else {
		b = append(b, "null"...)
	}
	if len(r.stage.variables) > 0 {
		return append(b, r.stage.variables...)
	}
	return append(b, `,"stageVariables":null`...)
}

// resource is the path of the route, or the route's key where that is $default.
func (r *request) resource() string {
	if r.route.path == "" {
		return r.route.key
	}
	return r.route.path
}

func (r *request) appendContext1(b []byte, e *event1) []byte {
	b = append(b, '{')
	b = appendMember(b, "accountId", r.account)
	b = append(b, ',')
	b = appendMember(b, "apiId", r.apiID)
	if r.authorizer != nil {
		b = append(b, `,"authorizer":`...)
		b = append(b, r.authorizer...)
	}
	for _, m := range [...][2]string{
		{"domainName", r.domainName()}, {"domainPrefix", r.domainPrefix()}, {"extendedRequestId", e.extended(r.id)}, {"httpMethod", r.Method},
	} {
		b = append(b, ',')
		b = appendMember(b, m[0], m[1])
	}
	b = append(b, `,"identity":`...)
	b = r.appendIdentity(b)
	b = append(b, ',')
	b = appendMember(b, "path", r.path()) // the stage stays in it
	b = append(b, ',')
	b = appendMember(b, "protocol", r.Proto)
	b = append(b, ',')
	b = appendMember(b, "requestId", r.id)
	b = append(b, `,"requestTime":"`...)
	b = r.appendTime(b)
	b = append(b, `","requestTimeEpoch":`...)
	b = strconv.AppendInt(b, r.start.UnixMilli(), 10)
	b = append(b, `,"resourceId":`...)
	if e.resourceID == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, e.resourceID)
	}
	b = append(b, ',')
	b = appendMember(b, "resourcePath", r.resource())
	b = append(b, ',')
	b = appendMember(b, "stage", r.stage.name)
	return append(b, '}')
}

func (e *event1) extended(id string) string {
	if e.extendedID != "" {
		return e.extendedID
	}
	return id
}

// headers1 are the headers, each with all its values. An HTTP API spells them in lower case, a REST
// API as they were sent, which here is the canonical form. A REST API does not pass on
// Content-Length.
func (r *request) headers1(lower bool) map[string][]string {
	out := make(map[string][]string, len(r.Header)+6)
	put := func(name string, values ...string) {
		if lower {
			name = strings.ToLower(name)
		}
		out[name] = values
	}
	for name, values := range r.Header {
		if !hopByHop[name] && name != "Content-Length" {
			put(name, values...)
		}
	}
	if lower {
		put("Content-Length", strconv.Itoa(r.length()))
	}
	put("Host", r.Host)
	put("X-Amzn-Trace-Id", r.trace)
	put("X-Forwarded-For", r.forwardedFor())
	put("X-Forwarded-Port", r.port)
	put("X-Forwarded-Proto", "http")
	return out
}

// multiQuery decodes a query string.
func multiQuery(raw string) map[string][]string {
	if raw == "" {
		return nil
	}
	out := map[string][]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair != "" {
			k, v, _ := strings.Cut(pair, "=")
			k = decodeQuery(k)
			out[k] = append(out[k], decodeQuery(v))
		}
	}
	return out
}

// parseResponse1 reads a function's answer in payload format 1.0 as an HTTP API does.
func parseResponse1(payload []byte) (response, error) {
	out, err := parseProxy(payload)
	out.contentType = "text/plain; charset=utf-8"
	return out, err
}

// putHeaders adds the function's headers, but for those that are the connection's.
func (out *response) putHeaders(h http.Header) {
	for _, pair := range out.headers {
		if name := http.CanonicalHeaderKey(pair[0]); !hopByHop[name] && name != "Content-Length" {
			h.Add(name, pair[1])
		}
	}
}
