package lambda

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// The headers of the Extensions API, as net/http keys them. See
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
const (
	headerExtensionName    = "Lambda-Extension-Name"
	headerExtensionID      = "Lambda-Extension-Identifier"
	headerExtensionError   = "Lambda-Extension-Function-Error-Type"
	headerExtensionFeature = "Lambda-Extension-Accept-Feature"
	headerExtensionEvent   = "Lambda-Extension-Event-Identifier"
)

func (e *environment) serveExtension(w http.ResponseWriter, r *http.Request, path string) {
	switch {
	case path == "register" && r.Method == http.MethodPost:
		e.registerExtension(w, r)
	case path == "event/next" && r.Method == http.MethodGet:
		if x, refused := e.extension(r); refused != nil {
			forbid(w, refused)
		} else {
			e.extensionNext(w, x)
		}
	case path == "init/error" && r.Method == http.MethodPost:
		e.extensionError(w, r, extensionInitError)
	case path == "exit/error" && r.Method == http.MethodPost:
		e.extensionError(w, r, extensionExitError)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "the Extensions API has no %s %s", r.Method, r.URL.Path)
	}
}

func forbid(w http.ResponseWriter, r *refusal) {
	refuse(w, http.StatusForbidden, r.kind, "%s", r.message)
}

// extension finds the extension that makes a request, or says what is wrong with its identifier.
func (e *environment) extension(r *http.Request) (*extension, *refusal) {
	id := r.Header.Get(headerExtensionID)
	switch {
	case id == "":
		return nil, &refusal{"Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"}
	case !isUUID(id):
		return nil, &refusal{"Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.extensions {
		if x.id == id && x.state != extensionStarted { // one that has not registered does not know its own
			return x, nil
		}
	}
	return nil, &refusal{"Extension.UnknownExtensionIdentifier", "Unknown extension " + id}
}

// isUUID says that s has the form of what register answers.
func isUUID(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'):
			return false
		}
	}
	return len(s) == 36
}

// registerExtension takes an extension in, an internal one as long as the runtime has not asked for
// its first event.
func (e *environment) registerExtension(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get(headerExtensionName)
	if name == "" {
		forbid(w, &refusal{"Extension.InvalidExtensionName", "Empty extension name"})
		return
	}
	body, err := readBody(r, maxExtensionBody)
	var in struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err == nil && len(in.ConfigurationKeys) > 0 {
		err = errConfigurationKeys
	}
	if err != nil {
		forbid(w, &refusal{"InvalidRequestFormat", err.Error()})
		return
	}
	x, refused := e.admit(name, in.Events)
	if refused != nil {
		forbid(w, refused)
		return
	}
	answer := map[string]string{"functionName": e.function.name, "functionVersion": e.rev.cfg.Version, "handler": e.rev.cfg.Handler}
	for feature := range strings.SplitSeq(r.Header.Get(headerExtensionFeature), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer["accountId"] = e.function.service.cfg.Account
		}
	}
	w.Header()[headerExtensionID] = []string{x.id}
	_ = awsproto.WriteJSON(w, http.StatusOK, answer) // a process that has gone is noticed by its exit
}

var errConfigurationKeys = errors.New("configurationKeys are deprecated; use environment variables instead")

// extensionNext says that the extension has done its part, and answers with its next event. A
// request that waits already is refused, unless the one before has lost its connection.
func (e *environment) extensionNext(w http.ResponseWriter, x *extension) {
	e.mu.Lock()
	if !x.state.may(extensionReady) && !(x.state == extensionReady && x.poll.lost()) {
		refused := transition(x.state, extensionReady, x.id)
		e.mu.Unlock()
		forbid(w, refused)
		return
	}
	x.state = extensionReady
	x.ready = !x.owed // one that lost its connection gets the event that it missed
	p := replace(&x.poll, w)
	e.mu.Unlock()
	e.settle()

	inv, end := e.await(w, p, x.events, x.down)
	if inv == nil && end == nil {
		return
	}
	e.mu.Lock()
	if x.poll == p {
		x.state, x.poll = extensionRunning, nil
	}
	if inv != nil {
		x.owed = false
	}
	e.mu.Unlock()
	if inv != nil {
		writeInvokeEvent(w, inv)
	} else {
		writeShutdownEvent(w, *end)
	}
}

// writeInvokeEvent answers an extension's next.
func writeInvokeEvent(w http.ResponseWriter, inv *invocation) {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	writeExtensionEvent(w, inv.id, struct {
		EventType  string  `json:"eventType"`
		DeadlineMS int64   `json:"deadlineMs"`
		RequestID  string  `json:"requestId"`
		ARN        string  `json:"invokedFunctionArn"`
		Tracing    tracing `json:"tracing"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.id, inv.arn, tracing{"X-Amzn-Trace-Id", inv.trace}})
}

// writeShutdownEvent answers an external extension's last next.
func writeShutdownEvent(w http.ResponseWriter, end shutdown) {
	writeExtensionEvent(w, awsproto.NewID(), struct {
		EventType  string     `json:"eventType"`
		Reason     StopReason `json:"shutdownReason"`
		DeadlineMS int64      `json:"deadlineMs"`
	}{"SHUTDOWN", end.reason, end.deadline.UnixMilli()})
}

func writeExtensionEvent(w http.ResponseWriter, id string, event any) {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	w.Header()["Content-Type"] = jsonType
	w.Header()[headerExtensionEvent] = []string{id}
	_, _ = w.Write(body) // a process that has gone is noticed by its exit
}

// extensionError ends the environment: an extension says that it cannot go on. Only the first
// error counts.
func (e *environment) extensionError(w http.ResponseWriter, r *http.Request, to extensionState) {
	x, refused := e.extension(r)
	kind := r.Header.Get(headerExtensionError)
	switch {
	case refused != nil && refused.kind != "Extension.UnknownExtensionIdentifier":
		forbid(w, refused)
		return
	case kind == "":
		forbid(w, &refusal{"Extension.MissingHeader", headerExtensionError + " not found"})
		return
	case refused != nil:
		forbid(w, &refusal{refused.kind, "Unknown Lambda-Extension-Identifier"})
		return
	}
	e.mu.Lock()
	from := x.state
	if from.may(to) && from != to {
		x.state, x.errorType = to, kind
	}
	e.mu.Unlock()
	switch {
	case !from.may(to):
		forbid(w, transition(from, to, x.id))
		return
	case from != to:
		f := failure{kind: "Extension." + string(to), message: "extension " + x.name + " reported " + kind}
		afterwards(w, func() { e.giveUp(f) })
	}
	accept(w)
}
