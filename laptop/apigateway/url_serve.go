package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// urlFront is one function URL being served.
type urlFront struct {
	*front
	config *Config
	id     string
	now    atomic.Pointer[urlTable] // nil as long as nothing is known of it but its address
}

// urlTable is what requests to a function URL are answered by; it never changes.
type urlTable struct {
	FunctionURL
	cors   *cors
	stage  *stageTable
	target *target
}

func newURLTable(u FunctionURL) *urlTable {
	return &urlTable{FunctionURL: u, cors: newCORS(u.CORS), stage: &stageTable{name: defaultStage}, target: &target{key: defaultRoute}}
}

func newURLFront(config *Config, id string, port int) *urlFront {
	f := &urlFront{config: config, id: id}
	f.front = newFront("function URL "+id, noOrder, port, config.Middleware(f, f.admits))
	return f
}

// admits says that the URL's CORS configuration lets the origin of r in.
func (f *urlFront) admits(r *http.Request) bool {
	return f.now.Load().cors.admits(r.Header.Get("Origin"))
}

// urlFailure is an answer of Lambda's own.
type urlFailure struct {
	status int
	kind   string // x-amzn-ErrorType
	body   string
	reason string
}

// ServeHTTP answers one request to the function URL:
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (f *urlFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := f.now.Load()
	if t == nil {
		http.NotFound(w, r)
		return
	}
	req := &request{
		Request: r, account: f.config.Account, apiID: f.id, port: strconv.Itoa(f.front.port),
		id: awsproto.NewID(), start: time.Now(), sourceIP: sourceIP(r.RemoteAddr), stage: t.stage, route: t.target,
		prefix: f.id, escaped: true,
	}
	// The names below localhost are loopback's: in a browser, and for curl, this is an address.
	req.domain = f.id + ".lambda-url." + f.config.Region + ".localhost:" + req.port
	req.trace = traceID(r.Header, req.start)
	h := w.Header()
	h.Set("X-Amzn-Requestid", req.id)
	h.Set("X-Amzn-Trace-Id", req.trace)
	log := Served{APIID: f.id, RequestID: req.id, Method: r.Method, Path: r.URL.Path, SourceIP: req.sourceIP, Start: req.start}
	if t.cors.preflight(w, r, http.StatusOK) {
		log.Status = http.StatusOK
	} else if fail := f.answer(w, req, t, &log); fail != nil {
		h.Set("X-Amzn-Errortype", fail.kind)
		t.cors.decorate(h, r)
		log.Status, log.IntegrationError = fail.status, fail.reason
		log.Bytes = req.refuse(w, fail.status, fail.body)
	}
	log.Latency = time.Since(req.start)
	f.config.Events(log)
}

// answer asks the function and writes what it says.
func (f *urlFront) answer(w http.ResponseWriter, req *request, t *urlTable, log *Served) *urlFailure {
	if fail := checkHead(req.Request); fail != nil {
		return &urlFailure{fail.status, "BadRequestException", messages[fail.status], fail.reason}
	}
	call := Call{Function: t.Function, TraceID: req.trace, Principal: "*", URLAuthType: t.AuthType}
	if t.AuthType == authorizationIAM {
		if refused := (iam{service: "lambda", account: f.config.Account}).check(req); refused != nil {
			return forbidden(refused.reason)
		}
		call.Principal = "" // of the account itself, whose callers may
	}
	if fail := req.readBody(http.NewResponseController(w), maxEventBytes); fail != nil {
		if fail.status == http.StatusRequestEntityTooLarge {
			return urlTooLarge(fail.reason)
		}
		return &urlFailure{fail.status, "BadRequestException", messages[fail.status], fail.reason}
	}
	if call.Payload = req.event(); len(call.Payload) > maxEventBytes {
		return urlTooLarge(fmt.Sprintf("the event is %d bytes, a body of %d in it; Lambda takes %d", len(call.Payload), len(req.body), maxEventBytes))
	}
	if t.InvokeMode == "RESPONSE_STREAM" {
		return f.stream(w, req, t, call, log)
	}
	payload, p := f.config.invoke(req.Request, 0, call)
	if p != nil {
		return p.url()
	}
	out, err := parseResponse(payload)
	if err != nil {
		return badGateway("the function's response does not match the format that function URLs expect: " + err.Error())
	}
	out.contentType = "application/json"
	out.putHeaders(w.Header())
	t.cors.decorate(w.Header(), req.Request)
	log.Status, log.Bytes = out.status, write(w, out)
	return nil
}

// stream passes on what the function says as it says it.
func (f *urlFront) stream(w http.ResponseWriter, req *request, t *urlTable, call Call, log *Served) *urlFailure {
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	s := &streamWriter{w: w, decorate: func(h http.Header) { t.cors.decorate(h, req.Request) }}
	result, err := f.config.Streamer.InvokeStream(ctx, call, s)
	if err == nil && result.FunctionError == "" {
		err = s.end()
	}
	log.Status, log.Bytes = s.status, s.bytes
	var fail *urlFailure
	switch {
	case s.malformed != nil:
		fail = badGateway(s.malformed.Error())
	case err != nil:
		fail = problemOf(err, ctx, req.Request, 0).url()
	case result.FunctionError != "":
		fail = failedWith(result).url()
	default:
		return nil
	}
	if s.status == 0 {
		return fail
	}
	// The status is out: all that is left to tell the caller is that the body is not whole.
	log.IntegrationError, log.Latency = fail.reason, time.Since(req.start)
	f.config.Events(*log)
	panic(http.ErrAbortHandler)
}

func forbidden(reason string) *urlFailure {
	return &urlFailure{http.StatusForbidden, "AccessDeniedException", `{"Message":"Forbidden"}`, reason}
}

func urlTooLarge(reason string) *urlFailure {
	return &urlFailure{http.StatusRequestEntityTooLarge, "RequestTooLargeException",
		fmt.Sprintf(`{"Message":"Request must be smaller than %d bytes for the InvokeFunction operation"}`, maxEventBytes), reason}
}

func badGateway(reason string) *urlFailure {
	return &urlFailure{http.StatusBadGateway, "InternalServerErrorException", `{"Message":"Internal Server Error"}`, reason}
}

// url is what a function URL answers to a problem.
func (p *problem) url() *urlFailure {
	switch p.outcome {
	case denied:
		return forbidden(p.reason)
	case throttled:
		return &urlFailure{http.StatusTooManyRequests, "TooManyRequestsException", messageOf(p.err), p.reason}
	case tooLarge:
		return urlTooLarge(p.reason)
	case failed:
		return badGateway(p.reason)
	}
	return &urlFailure{http.StatusInternalServerError, "InternalServerErrorException", `{"Message":"Internal Server Error"}`, p.reason}
}

// messageOf is Lambda's own error as JSON.
func messageOf(e *awsproto.Error) string {
	text, err := json.Marshal(map[string]string{"Message": strings.TrimSpace(e.Message)})
	if err != nil {
		panic(err) // strings marshal always
	}
	return string(text)
}
