package lambda

import (
	"encoding/json"
	"net/http"
	"slices"
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

// extension is an internal extension, which is a part of the function's own process, or an external
// one, which is a process.
type extension struct {
	id, name string
	external bool
	invoke   bool  // it wants INVOKE events
	ready    bool  // it has asked for its next event; guarded by the environment's mutex
	poll     *poll // guarded likewise
	events   chan *invocation
}

func (e *environment) serveExtension(w http.ResponseWriter, r *http.Request, path string) {
	if path == "register" && r.Method == http.MethodPost {
		e.registerExtension(w, r)
		return
	}
	x, kind := e.extension(r.Header.Get(headerExtensionID))
	if x == nil {
		refuse(w, http.StatusForbidden, kind, "%s: no such extension", headerExtensionID)
		return
	}
	switch {
	case path == "event/next" && r.Method == http.MethodGet:
		e.extensionNext(w, x)
	case (path == "init/error" || path == "exit/error") && r.Method == http.MethodPost:
		e.extensionError(w, r, path)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "the Extensions API has no %s %s", r.Method, r.URL.Path)
	}
}

// extension finds an extension by its identifier, or says what is wrong with that.
func (e *environment) extension(id string) (x *extension, kind string) {
	if id == "" {
		return nil, "Extension.MissingExtensionIdentifier"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(e.extensions, func(x *extension) bool { return x.id == id }); i >= 0 {
		return e.extensions[i], ""
	}
	return nil, "Extension.UnknownExtensionIdentifier"
}

// registerExtension takes an extension in, as long as the runtime has not asked for its first event.
func (e *environment) registerExtension(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get(headerExtensionName)
	if name == "" {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	body, err := readBody(r, maxExtensionBody)
	var in struct {
		Events []string `json:"events"`
	}
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", "%v", err)
		return
	}
	for _, event := range in.Events {
		switch event {
		case "INVOKE":
		case "SHUTDOWN":
			refuse(w, http.StatusForbidden, "Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension")
			return
		default:
			refuse(w, http.StatusForbidden, "Extension.InvalidEventType", "%s: InvalidEventType", event)
			return
		}
	}
	x := &extension{id: awsproto.NewID(), name: name, invoke: slices.Contains(in.Events, "INVOKE"), events: make(chan *invocation, 1)}
	if kind, message := e.admitExtension(x); kind != "" {
		refuse(w, http.StatusForbidden, kind, "%s", message)
		return
	}
	answer := map[string]string{"functionName": e.function.name, "functionVersion": latest, "handler": e.rev.cfg.Handler}
	for feature := range strings.SplitSeq(r.Header.Get(headerExtensionFeature), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer["accountId"] = e.function.service.cfg.Account
		}
	}
	w.Header()[headerExtensionID] = []string{x.id}
	_ = awsproto.WriteJSON(w, http.StatusOK, answer) // a process that has gone is noticed by its exit
}

func (e *environment) admitExtension(x *extension) (kind, message string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.phase != starting || e.runtimeReady:
		return "Extension.RegistrationClosed", "Extension registration closed already"
	case slices.ContainsFunc(e.extensions, func(y *extension) bool { return x.name == y.name }):
		return "Extension.InvalidExtensionState", "Extension with this name already registered"
	case len(e.extensions) == maxExtensions:
		return "Extension.TooManyExtensions", "Extension limit (10) reached"
	}
	e.extensions = append(e.extensions, x)
	return "", ""
}

// extensionNext says that the extension has done its part, and answers with its next event.
func (e *environment) extensionNext(w http.ResponseWriter, x *extension) {
	e.mu.Lock()
	x.ready = len(x.events) == 0 // one that lost its connection gets the event that it missed
	p := replace(&x.poll)
	e.mu.Unlock()
	e.settle()

	inv := e.await(w, p, x.events)
	if inv == nil {
		return
	}
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	body, err := json.Marshal(struct {
		EventType  string  `json:"eventType"`
		DeadlineMS int64   `json:"deadlineMs"`
		RequestID  string  `json:"requestId"`
		ARN        string  `json:"invokedFunctionArn"`
		Tracing    tracing `json:"tracing"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.id, inv.arn, tracing{"X-Amzn-Trace-Id", inv.trace}})
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	w.Header()["Content-Type"] = jsonType
	w.Header()[headerExtensionEvent] = []string{inv.id}
	_, _ = w.Write(body) // a process that has gone is noticed by its exit
}

// extensionError ends the environment: an extension says that it cannot go on.
func (e *environment) extensionError(w http.ResponseWriter, r *http.Request, path string) {
	if r.Header.Get(headerExtensionError) == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingHeader", "%s not found", headerExtensionError)
		return
	}
	accept(w)
	kind := "Extension.ExitError"
	if path == "init/error" {
		kind = "Extension.InitError"
	}
	f := failure{kind: kind, message: "the extension reported " + r.Header.Get(headerExtensionError)}
	afterwards(w, func() { e.giveUp(f) })
}
