package apigateway

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// api is one HTTP API being served. record is guarded by Service.mu; requests read tables.
type api struct {
	*front
	config *Config
	record *record
	id     string
	port   string
	tables atomic.Pointer[tables]
}

func newAPI(config *Config, r *record, t *tables) *api {
	a := &api{config: config, record: r, id: r.API.APIID, port: strconv.Itoa(r.Port)}
	a.tables.Store(t)
	a.front = newFront("API "+a.id, r.Order, r.Port, config.Middleware(a, a.admits))
	return a
}

// admits says that the API's CORS configuration lets the origin of r in.
func (a *api) admits(r *http.Request) bool {
	return a.tables.Load().cors.admits(r.Header.Get("Origin"))
}

// What HTTP APIs answer. Errors of the function, answers that cannot be understood and missing
// permissions are all 500, unlike a REST API's 502:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html.
// An integration that takes too long is 503 (https://github.com/serverless/serverless/issues/11222),
// where a REST API says 504. An event over Lambda's limit is 413, as a body over the gateway's own.
var messages = map[int]string{
	http.StatusUnauthorized:                `{"message":"Unauthorized"}`,
	http.StatusForbidden:                   `{"message":"Forbidden"}`,
	http.StatusNotFound:                    `{"message":"Not Found"}`,
	http.StatusRequestEntityTooLarge:       `{"message":"Request Entity Too Large"}`,
	http.StatusRequestHeaderFieldsTooLarge: `{"message":"Request Header Fields Too Large"}`,
	http.StatusTooManyRequests:             `{"message":"Too Many Requests"}`,
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
	if t.cors.preflight(w, r, http.StatusNoContent) {
		log.Status = http.StatusNoContent
	} else if out, fail := a.answer(w, req, t); fail != nil {
		t.cors.decorate(w.Header(), r)
		set(w.Header(), "Www-Authenticate", fail.challenge)
		log.Status, log.IntegrationError = fail.status, fail.reason
		log.Bytes = req.refuse(w, fail.status, messages[fail.status])
	} else {
		out.putHeaders(w.Header())
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
	if fail := checkHead(req.Request); fail != nil {
		return response{}, fail
	}
	req.stage, req.rest = t.pick(req.URL.EscapedPath())
	if req.stage == nil {
		return response{}, &failure{status: http.StatusNotFound, reason: "no stage matches the path, and there is no $default stage"}
	}
	if req.route, req.values = req.stage.find(req.Method, req.rest); req.route == nil {
		return response{}, &failure{status: http.StatusNotFound, reason: "no route matches"}
	}
	if !req.route.limit.admit(req.start) {
		return response{}, &failure{status: http.StatusTooManyRequests, reason: "the route's throttling settings let no more through"}
	}
	if req.route.guard != nil {
		if refused := req.route.guard.check(req); refused != nil {
			return response{}, refused.failure()
		}
	}
	if req.route.function == "" {
		return response{}, &failure{status: http.StatusInternalServerError, reason: req.route.nowhere}
	}
	if fail := req.readBody(http.NewResponseController(w), maxBodyBytes); fail != nil {
		return response{}, fail
	}
	if req.trace == "" { // an authorizer's function may have begun it
		req.trace = traceID(req.Header, req.start)
	}
	var payload []byte
	if req.route.format1 {
		payload = req.event1(&event1{version: true, path: req.URL.Path})
	} else {
		payload = req.event()
	}
	if len(payload) > maxEventBytes {
		return response{}, &failure{status: http.StatusRequestEntityTooLarge,
			reason: fmt.Sprintf("the event is %d bytes, a body of %d in it; Lambda takes %d", len(payload), len(req.body), maxEventBytes)}
	}
	return a.invoke(req, payload)
}

func (a *api) invoke(req *request, payload []byte) (response, *failure) {
	payload, p := a.config.invoke(req.Request, req.route.timeout, Call{
		Function: req.route.function, Payload: payload, TraceID: req.trace,
		Principal: gatewayPrincipal, SourceARN: a.sourceARN(req),
	})
	if p != nil {
		status := http.StatusInternalServerError
		switch p.outcome {
		case timedOut, gone, throttled:
			status = http.StatusServiceUnavailable
		case tooLarge:
			status = http.StatusRequestEntityTooLarge
		}
		return response{}, &failure{status: status, reason: p.reason}
	}
	parse := parseResponse
	if req.route.format1 {
		parse = parseResponse1
	}
	out, err := parse(payload)
	if err != nil {
		return response{}, &failure{status: http.StatusInternalServerError,
			reason: "the function's response does not match the format that API Gateway expects: " + err.Error()}
	}
	return out, nil
}

const gatewayPrincipal = "apigateway.amazonaws.com"

// sourceARN names the request as the function's resource policy knows it:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (a *api) sourceARN(req *request) string {
	arn := a.config.executeARN(a.id, req.stage.name)
	if req.route.key == defaultRoute {
		return arn + "/" + defaultRoute
	}
	return arn + "/" + req.Method + req.route.path
}

func (c *Config) executeARN(apiID, stage string) string {
	return "arn:aws:execute-api:" + c.Region + ":" + c.Account + ":" + apiID + "/" + stage
}
