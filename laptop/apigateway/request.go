package apigateway

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// request is what one event is made of. The format is
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type request struct {
	*http.Request
	account, apiID, port string
	id, trace            string
	sourceIP             string
	start                time.Time
	stage                *stageTable
	route                *target
	values               []string // of the route's variables
	body                 []byte
	authorizer           []byte                   // JSON of requestContext.authorizer, nil for none
	signer               *signer                  // who signed the request, if that was asked
	excess               *http.ResponseController // of a body that is too large and not read to its end; nil for any other
	rest                 string                   // the path as it was sent, without the stage
	extendedID           string                   // of a REST API
	domain, prefix       string                   // domainName and domainPrefix; "" tells them by the host
	escaped              bool                     // paths stay as they were sent
}

// event encodes the request in payload format 2.0. It is written by hand because it stands in
// the way of every request. Members without a value are left out, as the service does.
func (r *request) event() []byte {
	b := make([]byte, 0, 1536+len(r.body)*3/2)
	b = append(b, `{"version":"2.0",`...)
	b = r.appendRequest(b)
	encoded := len(r.body) > 0 && isBinary(r.Header.Get("Content-Type"))
	if len(r.body) > 0 {
		b = append(b, ',')
		b = r.appendBody(b, encoded)
	}
	b = append(b, `,"isBase64Encoded":`...)
	b = strconv.AppendBool(b, encoded)
	b = append(b, r.stage.variables...)
	return append(b, '}')
}

// appendRequest writes what the events of functions and of authorizers have in common.
func (r *request) appendRequest(b []byte) []byte {
	path := r.path() // a named stage stays in it
	b = append(b, `"routeKey":`...)
	b = appendString(b, r.route.key)
	b = append(b, `,"rawPath":`...)
	b = appendString(b, path)
	b = append(b, `,"rawQueryString":`...)
	b = appendString(b, r.URL.RawQuery)
	if cookies := r.cookies(); len(cookies) > 0 {
		b = append(b, `,"cookies":[`...)
		for i, c := range cookies {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, c)
		}
		b = append(b, ']')
	}
	b = r.appendHeaders(b)
	if r.URL.RawQuery != "" {
		b = appendMap(b, "queryStringParameters", query(r.URL.RawQuery))
	}
	b = r.appendContext(b, path)
	if len(r.values) > 0 {
		b = append(b, `,"pathParameters":`...)
		b = r.appendValues(b)
	}
	return b
}

// appendValues writes the object of the route's variables.
func (r *request) appendValues(b []byte) []byte {
	b = append(b, '{')
	for i, v := range r.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, r.route.names[i], v)
	}
	return append(b, '}')
}

// appendBody writes the member body, as base64 if it is to be encoded.
func (r *request) appendBody(b []byte, encoded bool) []byte {
	if !encoded {
		b = append(b, `"body":`...)
		return appendString(b, string(r.body))
	}
	b = append(b, `"body":"`...)
	b = base64.StdEncoding.AppendEncode(b, r.body)
	return append(b, '"')
}

func (r *request) appendContext(b []byte, path string) []byte {
	b = append(b, `,"requestContext":{`...)
	b = appendMember(b, "accountId", r.account)
	b = append(b, ',')
	b = appendMember(b, "apiId", r.apiID)
	if r.authorizer != nil {
		b = append(b, `,"authorizer":`...)
		b = append(b, r.authorizer...)
	}
	b = append(b, ',')
	b = appendMember(b, "domainName", r.domainName())
	b = append(b, ',')
	b = appendMember(b, "domainPrefix", r.domainPrefix())
	b = append(b, `,"http":{`...)
	b = appendMember(b, "method", r.Method)
	b = append(b, ',')
	b = appendMember(b, "path", path)
	b = append(b, ',')
	b = appendMember(b, "protocol", r.Proto)
	b = append(b, ',')
	b = appendMember(b, "sourceIp", r.sourceIP)
	b = append(b, ',')
	b = appendMember(b, "userAgent", r.UserAgent())
	b = append(b, `},`...)
	b = appendMember(b, "requestId", r.id)
	b = append(b, ',')
	b = appendMember(b, "routeKey", r.route.key)
	b = append(b, ',')
	b = appendMember(b, "stage", r.stage.name)
	b = append(b, `,"time":"`...)
	b = r.appendTime(b)
	b = append(b, `","timeEpoch":`...)
	b = strconv.AppendInt(b, r.start.UnixMilli(), 10)
	return append(b, '}')
}

// appendTime writes the request's time as access logs do.
func (r *request) appendTime(b []byte) []byte {
	return r.start.UTC().AppendFormat(b, "02/Jan/2006:15:04:05 +0000")
}

// path is the request's. HTTP APIs pass it on decoded; REST APIs and function URLs as it was sent:
// https://github.com/middleapi/standard-server/pull/93 has what live events were seen to hold.
func (r *request) path() string {
	if r.escaped {
		return r.URL.EscapedPath()
	}
	return r.URL.Path
}

func (r *request) domainName() string {
	if r.domain != "" {
		return r.domain
	}
	return r.Host
}

// domainPrefix is the first label of the host; an address has none and gives the API's ID, which
// is what the label is on AWS.
func (r *request) domainPrefix() string {
	if r.prefix != "" {
		return r.prefix
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	prefix, _, ok := strings.Cut(host, ".")
	if !ok || net.ParseIP(host) != nil {
		return r.apiID
	}
	return prefix
}

// cookies are the request's, one by one. They stand beside the headers, not among them.
func (r *request) cookies() (out []string) {
	for _, line := range r.Header["Cookie"] {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

// hopByHop are headers of the connection, which end at the gateway.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// appendHeaders writes the headers in lower case, repeated ones joined with commas, and adds
// those of the gateway.
func (r *request) appendHeaders(b []byte) []byte {
	type header struct{ name, value string }
	var buf [24]header
	all := buf[:0]
	for name, values := range r.Header {
		switch name {
		case "Cookie", "Content-Length", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto":
			continue
		}
		if hopByHop[name] {
			continue
		}
		all = append(all, header{strings.ToLower(name), strings.Join(values, ",")})
	}
	forwarded := r.forwardedFor()
	all = append(all,
		header{"content-length", strconv.Itoa(r.length())}, header{"host", r.Host}, header{"x-amzn-trace-id", r.trace},
		header{"x-forwarded-for", forwarded}, header{"x-forwarded-port", r.port}, header{"x-forwarded-proto", "http"})
	slices.SortFunc(all, func(a, b header) int { return strings.Compare(a.name, b.name) })
	b = append(b, `,"headers":{`...)
	for i, h := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, h.name, h.value)
	}
	return append(b, '}')
}

// length is the body's, which an authorizer is told before it has been read.
func (r *request) length() int {
	if r.body == nil && r.ContentLength > 0 {
		return int(r.ContentLength)
	}
	return len(r.body)
}

// forwardedFor is who sent the request through whom.
func (r *request) forwardedFor() string {
	if before := r.Header["X-Forwarded-For"]; len(before) > 0 {
		return strings.Join(before, ", ") + ", " + r.sourceIP
	}
	return r.sourceIP
}

// query decodes a query string; the values of repeated names are joined with commas.
func query(raw string) map[string]string {
	out := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		k, v = decodeQuery(k), decodeQuery(v)
		if before, ok := out[k]; ok {
			v = before + "," + v
		}
		out[k] = v
	}
	return out
}

func decodeQuery(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// isBinary tells whether a body goes into the event as base64. The documentation names no types;
// the real gateway passes on only these as text: https://github.com/ministackorg/ministack/pull/766
func isBinary(contentType string) bool {
	switch contentType {
	case "application/json", "text/plain":
		return false
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind, _, _ = strings.Cut(contentType, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	switch kind {
	case "application/json", "application/xml", "application/javascript":
		return false
	}
	return !strings.HasPrefix(kind, "text/")
}
