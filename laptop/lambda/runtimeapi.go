package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of the Runtime API, as net/http keys them. See
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const (
	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerFunctionARN   = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace         = "Lambda-Runtime-Trace-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerErrorType     = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody     = "Lambda-Runtime-Function-Error-Body" // a trailer of streamed responses
)

// maxDiscarded is how much of a body that is too large is read, so that its sender, which reads
// nothing before it has written everything, gets the answer.
const maxDiscarded = 256 << 20

// truncatedGrace is how long the exit of a process may come after the end of its connection.
const truncatedGrace = 100 * time.Millisecond

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
	default:
		refuse(w, http.StatusNotFound, "NotFound", "the Runtime API has no %s %s", r.Method, r.URL.Path)
	}
}

// runtimeNext ends the init phase or the invocation before, together with the extensions', and
// answers with the next event when there is one.
func (e *environment) runtimeNext(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	if inv := e.inv; inv != nil && inv.delivered && !inv.answered {
		e.mu.Unlock()
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation %s has no answer yet", inv.id)
		return
	}
	if e.inv == nil || e.inv.answered {
		e.runtimeReady = true
	}
	p := replace(&e.poll)
	e.mu.Unlock()
	e.settle()

	inv := e.await(w, p, e.work)
	if inv == nil {
		return
	}
	e.mu.Lock()
	inv.delivered = true
	e.mu.Unlock()
	h := w.Header()
	h["Content-Type"] = jsonType
	h[headerRequestID] = []string{inv.id}
	h[headerDeadline] = []string{strconv.FormatInt(inv.deadline.UnixMilli(), 10)}
	h[headerFunctionARN] = []string{inv.arn}
	h[headerTrace] = []string{inv.trace}
	if inv.clientContext != "" {
		h[headerClientContext] = []string{inv.clientContext}
	}
	_, _ = w.Write(inv.payload) // a runtime that has gone is noticed by its exit or the timeout
}

// runtimeResponse gives the caller its answer.
func (e *environment) runtimeResponse(w http.ResponseWriter, r *http.Request, id string) {
	if !e.current(id) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := readBody(r, maxResponse)
	switch {
	case errors.Is(err, errTooLarge):
		limit := strconv.Itoa(maxResponse)
		e.respond(id, answer{errorType: "Function.ResponseSizeTooLarge", payload: []byte(
			`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (` + limit + ` bytes)."}`)})
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (%s bytes).", limit)
		return
	case err != nil:
		select {
		case <-e.gone: // the process has died over it, which is what the caller was told
			return
		case <-time.After(truncatedGrace):
		}
		f := failure{kind: "Runtime.TruncatedResponse", message: "the response has no end: " + err.Error()}
		e.respond(id, f.answer(id))
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	a := answer{payload: body}
	if kind := r.Trailer.Get(headerErrorType); kind != "" { // the handler's reader has failed
		a.errorType = kind
		if body, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody)); err == nil && len(body) > 0 {
			a.payload = body
		}
	}
	if !e.respond(id, a) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	accept(w)
}

// runtimeError is runtimeResponse for an error object.
func (e *environment) runtimeError(w http.ResponseWriter, r *http.Request, id string) {
	if !e.current(id) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := readBody(r, maxResponse)
	if err != nil {
		body = []byte("{}")
	}
	if !e.respond(id, answer{payload: body, errorType: errorType(r.Header, body)}) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	accept(w)
}

// runtimeInitError ends the environment: the runtime could not start.
func (e *environment) runtimeInitError(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r, maxResponse)
	if err != nil || !json.Valid(body) {
		body = nil
	}
	e.mu.Lock()
	inInit := e.phase == starting
	e.mu.Unlock()
	if !inInit {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the init phase is over")
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

// current says that the invocation id is under way and has no answer.
func (e *environment) current(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inv != nil && e.inv.id == id && !e.inv.answered
}

// respond answers the invocation id, or reports that it is not under way or has been answered.
func (e *environment) respond(id string, a answer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inv == nil || e.inv.id != id || e.inv.answered {
		return false
	}
	e.answer(e.inv, a)
	return true
}
