package apigateway

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// rest is one REST API being served. record is guarded by Service.mu; requests read tables.
type rest struct {
	*front
	config *Config
	record *restRecord
	id     string
	port   string
	tables atomic.Pointer[restTables]
}

func newREST(config *Config, r *restRecord, t *restTables) *rest {
	a := &rest{config: config, record: r, id: r.API.ID, port: strconv.Itoa(r.Port)}
	a.tables.Store(t)
	a.front = newFront("REST API "+a.id, r.Order, r.Port, config.Middleware(a, a.admits))
	return a
}

// admits says that the resource which r is for has a preflight answer that lets its origin in.
func (a *rest) admits(r *http.Request) bool {
	path := r.URL.EscapedPath()
	if path == "" || path[0] != '/' {
		return false
	}
	_, _, methods, _ := a.tables.Load().find(path)
	to := byMethod(methods, http.MethodOptions)
	return to != nil && to.mock != nil && to.mock.admitsOrigin(r)
}

// restFailure is an answer of a REST API's own:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type restFailure struct {
	status int
	kind   string // x-amzn-ErrorType
	body   string
	reason string
}

func restInternal(status int, reason string) *restFailure {
	return &restFailure{status, "InternalServerErrorException", `{"message": "Internal server error"}`, reason}
}

// ServeHTTP answers one request to the API.
func (a *rest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := &request{
		Request: r, account: a.config.Account, apiID: a.id, port: a.port,
		id: awsproto.NewID(), start: time.Now(), sourceIP: sourceIP(r.RemoteAddr), escaped: true,
	}
	req.trace = traceID(r.Header, req.start)
	h := w.Header()
	h.Set("X-Amzn-Requestid", req.id)
	h.Set("X-Amz-Apigw-Id", newRequestID())
	log := Served{APIID: a.id, RequestID: req.id, Method: r.Method, Path: r.URL.Path, SourceIP: req.sourceIP, Start: req.start}
	if out, fail := a.answer(w, req); fail != nil {
		h.Set("X-Amzn-Errortype", fail.kind)
		log.Status, log.IntegrationError = fail.status, fail.reason
		log.Bytes = req.refuse(w, fail.status, fail.body)
	} else {
		if req.route.mock == nil {
			h.Set("X-Amzn-Trace-Id", req.trace)
		}
		out.putRemapped(h)
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

// answer finds the method and asks its function.
func (a *rest) answer(w http.ResponseWriter, req *request) (response, *restFailure) {
	if fail := checkHead(req.Request); fail != nil {
		return response{}, &restFailure{fail.status, "BadRequestException", messages[fail.status], fail.reason}
	}
	t := a.tables.Load()
	stage, path, methods, values := t.find(req.URL.EscapedPath())
	if stage == nil {
		return response{}, &restFailure{http.StatusForbidden, "ForbiddenException", `{"message":"Forbidden"}`, "the path begins with no stage's name"}
	}
	req.stage, req.rest, req.extendedID = stage, path, w.Header().Get("X-Amz-Apigw-Id")
	if req.route, req.values = byMethod(methods, req.Method), values; req.route == nil {
		return response{}, missingToken("no resource of the deployment has this path and method")
	}
	if !req.route.limit.admit(req.start) {
		return response{}, &restFailure{http.StatusTooManyRequests, "TooManyRequestsException", `{"message":"Too Many Requests"}`,
			"the stage's throttling settings let no more through"}
	}
	if req.route.guard != nil {
		if refused := req.route.guard.check(req); refused != nil {
			return response{}, refused.rest()
		}
	}
	if fail := req.readBody(http.NewResponseController(w), maxBodyBytes); fail != nil {
		if fail.status == http.StatusRequestEntityTooLarge {
			return response{}, &restFailure{fail.status, "RequestTooLargeException", fmt.Sprintf(`{"message":"HTTP content length exceeded %d bytes."}`, maxBodyBytes), fail.reason}
		}
		return response{}, &restFailure{fail.status, "BadRequestException", `{"message":"Bad Request"}`, fail.reason}
	}
	if req.route.mock != nil {
		return req.route.mock.response(), nil
	}
	if req.route.function == "" {
		return response{}, restInternal(http.StatusInternalServerError, req.route.nowhere)
	}
	payload := req.event1(&event1{path: path, resourceID: req.route.resource, extendedID: req.extendedID,
		binary: t.binary.has(req.Header.Get("Content-Type"))})
	if len(payload) > maxEventBytes {
		return response{}, requestTooLong(fmt.Sprintf("the event is %d bytes, a body of %d in it; Lambda takes %d", len(payload), len(req.body), maxEventBytes))
	}
	return a.invoke(req, payload, t.binary)
}

func requestTooLong(reason string) *restFailure {
	return &restFailure{http.StatusRequestEntityTooLarge, "RequestTooLargeException", `{"message":"Request Too Long"}`, reason}
}

func (a *rest) invoke(req *request, payload []byte, binary binaryTypes) (response, *restFailure) {
	payload, p := a.config.invoke(req.Request, req.route.timeout, Call{
		Function: req.route.function, Payload: payload, TraceID: req.trace, Principal: gatewayPrincipal, Tenant: req.mapped(req.route.tenant),
		SourceARN: a.config.executeARN(a.id, req.stage.name) + "/" + req.Method + req.route.path,
	})
	if p != nil {
		switch p.outcome {
		case timedOut, gone:
			return response{}, &restFailure{http.StatusGatewayTimeout, "InternalServerErrorException", `{"message": "Endpoint request timed out"}`, p.reason}
		case tooLarge:
			return response{}, requestTooLong(p.reason)
		case failed:
			return response{}, restInternal(http.StatusBadGateway, p.reason)
		case invalid:
			return response{}, &restFailure{http.StatusBadRequest, p.err.Code, string(jsonOf(map[string]string{"message": p.err.Message})), p.reason}
		}
		// Throttled by Lambda, a missing permission, a missing function.
		return response{}, restInternal(http.StatusInternalServerError, p.reason)
	}
	out, err := parseProxy(payload)
	if err != nil {
		return response{}, restInternal(http.StatusBadGateway, "malformed Lambda proxy response: "+err.Error())
	}
	out.contentType = "application/json"
	if out.decoded && !binary.has("*/*") && !binary.has(accept(req.Header)) {
		out.encodeAgain()
	}
	return out, nil
}

// accept is what decides whether an answer is binary; without it nothing is.
func accept(h http.Header) string {
	if a := h.Get("Accept"); a != "" {
		return a
	}
	return "*"
}

// remapped are the headers of a function that a REST API passes on under another name:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
var remapped = map[string]bool{
	"Connection": true, "Content-Md5": true, "Date": true, "Server": true, "User-Agent": true, "Www-Authenticate": true,
}

// putRemapped adds the function's headers as a REST API does.
func (out response) putRemapped(h http.Header) {
	headers := make([][2]string, len(out.headers)) // a mock's are shared
	for i, pair := range out.headers {
		if name := http.CanonicalHeaderKey(pair[0]); remapped[name] {
			pair[0] = "X-Amzn-Remapped-" + name
		}
		headers[i] = pair
	}
	out.headers = headers
	out.putHeaders(h)
}
