package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The headers of the Runtime API, as net/http keys them. See
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const (
	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerFunctionARN   = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace         = "Lambda-Runtime-Trace-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerCognito       = "Lambda-Runtime-Cognito-Identity"
	headerTenant        = "Lambda-Runtime-Aws-Tenant-Id"
	headerResponseMode  = "Lambda-Runtime-Function-Response-Mode"
	headerErrorType     = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody     = "Lambda-Runtime-Function-Error-Body" // a trailer of streamed responses
)

// maxDiscarded is how much of a body that is too large is read, so that its sender, which reads
// nothing before it has written everything, gets the answer.
const maxDiscarded = 256 << 20

func (e *environment) serveRuntime(w http.ResponseWriter, r *http.Request, path string) {
	switch id, what, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/"); {
	case path == "invocation/next" && r.Method == http.MethodGet:
		e.runtimeNext(w, r)
	case path == "init/error" && r.Method == http.MethodPost:
		e.runtimeInitError(w, r)
	case strings.HasPrefix(path, "invocation/") && what == "response" && r.Method == http.MethodPost:
		e.runtimeResponse(w, r, id)
	case strings.HasPrefix(path, "invocation/") && what == "error" && r.Method == http.MethodPost:
		e.runtimeError(w, r, id)
	case strings.HasPrefix(path, "restore/"):
		refuse(w, http.StatusNotFound, "NotFound", "%s is for SnapStart, which OS-only runtimes do not have", r.URL.Path)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "the Runtime API has no %s %s", r.Method, r.URL.Path)
	}
}

// runtimeNext ends the init phase or the invocation before, together with the extensions', and
// answers with the next event when there is one.
func (e *environment) runtimeNext(w http.ResponseWriter, r *http.Request) {
	if e.managed != nil {
		e.nextManaged(w)
		return
	}
	e.mu.Lock()
	inv := e.inv
	if inv != nil && (inv.state == runtimeAnswers || inv.state == runtimeFails) {
		if from := inv.state; !e.truncates(inv) {
			e.mu.Unlock()
			refuseTransition(w, from, runtimeReady)
			return
		}
		inv = e.inv
	}
	if inv != nil && inv.state == runtimeRunning && !inv.answered { // it asks for the event again
		e.mu.Unlock()
		writeEvent(w, inv)
		return
	}
	switch {
	case inv != nil && inv.answered:
		e.tellRuntimeDone(inv, inv.now(), "", "")
		e.runtimeReady = true
	case inv == nil:
		if e.phase == starting && !e.runtimeReady {
			e.tellInitRuntimeDone("", "")
		}
		e.runtimeReady = true
	}
	p := replace(&e.poll, w)
	e.mu.Unlock()
	e.settle()

	if inv, _ = e.await(w, p, e.work, nil); inv == nil {
		return
	}
	e.mu.Lock()
	inv.state = runtimeRunning
	e.mu.Unlock()
	writeEvent(w, inv)
}

// writeEvent answers the runtime's next.
func writeEvent(w http.ResponseWriter, inv *invocation) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h[headerRequestID] = []string{inv.id}
	h[headerDeadline] = []string{strconv.FormatInt(inv.deadline.UnixMilli(), 10)}
	h[headerFunctionARN] = []string{inv.arn}
	h[headerTrace] = []string{inv.trace}
	if inv.clientContext != "" {
		h[headerClientContext] = []string{inv.clientContext}
	}
	if inv.tenant != "" {
		h[headerTenant] = []string{inv.tenant}
	}
	if inv.cognito != (CognitoIdentity{}) {
		identity, err := json.Marshal(inv.cognito)
		if err != nil {
			panic(err) // two strings always marshal
		}
		h[headerCognito] = []string{string(identity)}
	}
	_, _ = w.Write(inv.payload) // a runtime that has gone is noticed by its exit or the timeout
}

// runtimeResponse gives the caller its answer.
func (e *environment) runtimeResponse(w http.ResponseWriter, r *http.Request, id string) {
	inv := e.claim(w, id, runtimeAnswers)
	if inv == nil {
		return
	}
	if mode := r.Header.Get(headerResponseMode); mode != "" && mode != "streaming" {
		e.conveys(w, inv, answer{errorType: "Runtime.InvalidResponseModeHeader", payload: []byte{}})
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	if inv.stream != nil {
		e.runtimeStream(w, r, inv)
		return
	}
	body, err := readBody(r, maxResponse)
	if err != nil {
		e.broken(w, r, inv, maxResponse, err)
		return
	}
	a := answer{payload: body}
	trailers(r, &a)
	e.respond(w, inv, a)
}

// broken answers for a response that is too large or has no end.
func (e *environment) broken(w http.ResponseWriter, r *http.Request, inv *invocation, limit int, err error) {
	if errors.Is(err, errTooLarge) {
		text := strconv.Itoa(limit)
		e.conveys(w, inv, answer{errorType: "Function.ResponseSizeTooLarge", payload: []byte(
			`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (` + text + ` bytes)."}`)})
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded) // its end is of no interest
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (%s bytes).", text)
		return
	}
	if !e.outlives(inv) {
		return // the process has died over it, which is what the caller was told
	}
	f := failure{kind: "Runtime.TruncatedResponse", message: "the response has no end: " + err.Error()}
	e.conveys(w, inv, f.answer(inv.id))
	refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

// runtimeError is runtimeResponse for an error object.
func (e *environment) runtimeError(w http.ResponseWriter, r *http.Request, id string) {
	inv := e.claim(w, id, runtimeFails)
	if inv == nil {
		return
	}
	body, err := readBody(r, maxResponse)
	if err != nil {
		e.broken(w, r, inv, maxResponse, err)
		return
	}
	if r.Header.Get("Content-Type") == errorCauseType {
		body = withoutCause(body)
	}
	e.respond(w, inv, answer{payload: body, errorType: errorType(r.Header, body)})
}

// errorCauseType is the type of an error object that has X-Ray's description of the error in it.
const errorCauseType = "application/vnd.aws.lambda.error.cause+json"

// withoutCause leaves of an error object what the caller gets.
func withoutCause(body []byte) []byte {
	var object struct {
		Message string          `json:"errorMessage"`
		Type    string          `json:"errorType"`
		Stack   json.RawMessage `json:"stackTrace,omitempty"`
	}
	if json.Unmarshal(body, &object) != nil {
		return []byte(`"Invalid error body"`)
	}
	body, err := json.Marshal(object)
	if err != nil {
		panic(err) // what was JSON still is
	}
	return body
}

// runtimeInitError ends the environment: the runtime could not start.
func (e *environment) runtimeInitError(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r, maxResponse)
	if err != nil || !json.Valid(body) {
		body = nil
	}
	if from := e.claimInit(); from != runtimeStarted {
		refuseTransition(w, from, runtimeInitError)
		return
	}
	accept(w)
	f := failure{kind: errorType(r.Header, body), message: "the runtime reported an init error", body: body}
	afterwards(w, func() { e.giveUp(f) })
}

// errorType is what a runtime calls an error: in the header, or else in the error object.
func errorType(h http.Header, body []byte) string {
	if kind := h.Get(headerErrorType); kind != "" {
		return kind
	}
	var object struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(body, &object) == nil && object.Type != "" {
		return object.Type
	}
	return "Runtime.Unknown"
}

// claimInit lets the runtime report an init error, if it is Started.
func (e *environment) claimInit() (from runtimeState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.inv != nil:
		return e.inv.state
	case e.runtimeReady || e.phase == idle:
		return runtimeReady
	case e.initFailed || e.phase == stopping:
		return runtimeInitError
	}
	e.initFailed = true
	return runtimeStarted
}
