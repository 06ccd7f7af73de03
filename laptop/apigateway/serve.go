package apigateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// The quotas of HTTP APIs and of Lambda's synchronous invocations:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxBodyBytes  = 10 << 20
	maxHeadBytes  = 10240
	maxEventBytes = 6 << 20
)

// failure is an answer of the gateway's own. The reason goes into the access log, as it does on
// AWS ($context.integrationErrorMessage), and not to the caller.
type failure struct {
	status int
	reason string
}

// What HTTP APIs answer. Errors of the function, answers that cannot be understood and missing
// permissions are all 500, unlike a REST API's 502:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html.
// An integration that takes too long is 503 (https://github.com/serverless/serverless/issues/11222),
// where a REST API says 504. An event over Lambda's limit is 413, as a body over the gateway's own.
var messages = map[int]string{
	http.StatusNotFound:                    `{"message":"Not Found"}`,
	http.StatusRequestEntityTooLarge:       `{"message":"Request Entity Too Large"}`,
	http.StatusRequestHeaderFieldsTooLarge: `{"message":"Request Header Fields Too Large"}`,
	http.StatusBadRequest:                  `{"message":"Bad Request"}`,
	http.StatusInternalServerError:         `{"message":"Internal Server Error"}`,
	http.StatusServiceUnavailable:          `{"message":"Service Unavailable"}`,
}

// ServeHTTP answers one request to the API.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := &request{
		Request: r, account: a.config.Account, apiID: a.id, port: a.port,
		id: newRequestID(), start: time.Now(), sourceIP: sourceIP(r.RemoteAddr),
	}
	w.Header()["Apigw-Requestid"] = []string{req.id}
	t := a.tables.Load()
	log := Served{APIID: a.id, RequestID: req.id, Method: r.Method, Path: r.URL.Path, SourceIP: req.sourceIP, Start: req.start}
	if t.cors.preflight(w, r) {
		log.Status = http.StatusNoContent
	} else if out, fail := a.answer(w, req, t); fail != nil {
		t.cors.decorate(w.Header(), r)
		log.Status, log.IntegrationError = fail.status, fail.reason
		log.Bytes = write(w, response{status: fail.status, contentType: "application/json", body: []byte(messages[fail.status])})
	} else {
		for _, h := range out.headers {
			if name := http.CanonicalHeaderKey(h[0]); !hopByHop[name] && name != "Content-Length" {
				w.Header().Add(name, h[1])
			}
		}
		t.cors.decorate(w.Header(), r)
		log.Status, log.Bytes = out.status, write(w, out)
	}
	log.Latency = time.Since(req.start)
	if req.stage != nil {
		log.Stage = req.stage.name
	}
	if req.route != nil {
		log.RouteKey = req.route.key
	}
	a.config.Events(log)
}

// answer finds the route and asks its function.
func (a *api) answer(w http.ResponseWriter, req *request, t *tables) (response, *failure) {
	if head := headBytes(req.Request); head > maxHeadBytes {
		return response{}, &failure{http.StatusRequestHeaderFieldsTooLarge,
			fmt.Sprintf("request line and headers are %d bytes; an HTTP API takes %d", head, maxHeadBytes)}
	}
	path := req.URL.EscapedPath()
	if path == "" || path[0] != '/' {
		return response{}, &failure{http.StatusBadRequest, fmt.Sprintf("the path %q does not begin with a slash", path)}
	}
	req.stage, path = t.pick(path)
	if req.stage == nil {
		return response{}, &failure{http.StatusNotFound, "no stage matches the path, and there is no $default stage"}
	}
	if req.route, req.values = req.stage.find(req.Method, path); req.route == nil {
		return response{}, &failure{http.StatusNotFound, "no route matches"}
	}
	if req.route.function == "" {
		return response{}, &failure{http.StatusInternalServerError, "the route has no integration"}
	}
	if fail := req.readBody(http.NewResponseController(w)); fail != nil {
		return response{}, fail
	}
	req.trace = traceID(req.Header, req.start)
	payload := req.event()
	if len(payload) > maxEventBytes {
		return response{}, &failure{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the event is %d bytes, a body of %d in it; Lambda takes %d", len(payload), len(req.body), maxEventBytes)}
	}
	return a.invoke(req, payload)
}

func (a *api) invoke(req *request, payload []byte) (response, *failure) {
	ctx, cancel := context.WithTimeout(req.Context(), req.route.timeout)
	defer cancel()
	result, err := a.config.Invoker.Invoke(ctx, Call{
		Function: req.route.function, Payload: payload, TraceID: req.trace,
		Principal: "apigateway.amazonaws.com", SourceARN: a.sourceARN(req),
	})
	var known *awsproto.Error
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return response{}, &failure{http.StatusServiceUnavailable,
			fmt.Sprintf("the integration's timeout of %v ended before the function did", req.route.timeout)}
	case err != nil && req.Context().Err() != nil:
		return response{}, &failure{http.StatusServiceUnavailable, "the caller has gone"}
	case errors.As(err, &known) && known.Status == http.StatusRequestEntityTooLarge:
		return response{}, &failure{http.StatusRequestEntityTooLarge, known.Error()}
	case errors.As(err, &known) && known.Code == "TooManyRequestsException":
		return response{}, &failure{http.StatusServiceUnavailable, known.Error()}
	case err != nil:
		return response{}, &failure{http.StatusInternalServerError, err.Error()}
	case result.FunctionError != "":
		return response{}, &failure{http.StatusInternalServerError,
			fmt.Sprintf("the function failed (%s): %s", result.FunctionError, cut(result.Payload))}
	}
	out, err := parseResponse(result.Payload)
	if err != nil {
		return response{}, &failure{http.StatusInternalServerError,
			"the function's response does not match the format that API Gateway expects: " + err.Error()}
	}
	return out, nil
}

// sourceARN names the request as the function's resource policy knows it:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (a *api) sourceARN(req *request) string {
	arn := "arn:aws:execute-api:" + a.config.Region + ":" + a.config.Account + ":" + a.id + "/" + req.stage.name
	if req.route.key == defaultRoute {
		return arn + "/" + defaultRoute
	}
	return arn + "/" + req.Method + req.route.path
}

// readBody reads the request's body as far, and as long, as the gateway takes it.
func (r *request) readBody(c *http.ResponseController) *failure {
	if r.ContentLength == 0 {
		return nil
	}
	tooLarge := &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over an HTTP API's limit of %d bytes", maxBodyBytes)}
	if r.ContentLength > maxBodyBytes {
		return tooLarge
	}
	// The deadline must not outlast the body: it would end the wait for the function, too. A
	// writer that knows no deadlines leaves the connection without one.
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	var err error
	if r.ContentLength > 0 {
		r.body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, r.body)
	} else {
		r.body, err = io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
	}
	if err != nil {
		return &failure{http.StatusBadRequest, "reading the body: " + err.Error()}
	}
	if len(r.body) > maxBodyBytes {
		return tooLarge
	}
	return nil
}

// write sends a response and tells how long its body was.
func write(w http.ResponseWriter, out response) int {
	h := w.Header()
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = []string{out.contentType}
	}
	for _, c := range out.cookies {
		h.Add("Set-Cookie", c)
	}
	if out.status == http.StatusNoContent || out.status == http.StatusNotModified {
		w.WriteHeader(out.status)
		return 0
	}
	h["Content-Length"] = []string{strconv.Itoa(len(out.body))}
	w.WriteHeader(out.status)
	// A caller that has gone cannot be told so.
	n, _ := w.Write(out.body)
	return n
}

// headBytes is about what the request line and the headers took on the wire.
func headBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Host) + 20
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

func sourceIP(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// cut keeps an error's description to what a log line may hold.
func cut(b []byte) string {
	const most = 512
	if len(b) > most {
		return string(b[:most]) + "…"
	}
	return string(b)
}
