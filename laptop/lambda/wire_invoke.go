package lambda

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// maxClientContext is the limit of the header X-Amz-Client-Context.
const maxClientContext = 3583

// serveInvoke is https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	in, kind, err := s.readInvocation(w, r, name, "Event")
	switch {
	case err != nil || kind == dryRun:
		return err
	case kind == "Event":
		return s.serveEvent(w, r, in)
	}
	out, err := s.Invoke(r.Context(), in)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("x-amzn-RequestId", out.RequestID)
	h.Set("X-Amzn-Trace-Id", out.TraceID)
	h.Set("X-Amz-Executed-Version", out.ExecutedVersion)
	if out.FunctionError != "" {
		h.Set("X-Amz-Function-Error", out.FunctionError)
	}
	if in.LogTail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(out.LogTail))
	}
	_, _ = w.Write(out.Payload) // a caller that has gone cannot be told so
	return nil
}

// serveEvent answers once the event is in the queue.
func (s *Service) serveEvent(w http.ResponseWriter, r *http.Request, in InvokeInput) error {
	id, err := s.InvokeAsync(r.Context(), in)
	if err != nil {
		return err
	}
	w.Header().Set("x-amzn-RequestId", id)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

const (
	requestResponse = "RequestResponse"
	dryRun          = "DryRun"
)

// readInvocation reads an invocation whose type is RequestResponse, DryRun or the other one that the
// call has, if there is one. A DryRun that succeeds has been answered.
func (s *Service) readInvocation(w http.ResponseWriter, r *http.Request, name, other string) (in InvokeInput, kind string, err error) {
	if name, err = s.said(r, name); err != nil {
		return in, "", err
	}
	switch kind = cmp.Or(r.Header.Get("X-Amz-Invocation-Type"), requestResponse); kind {
	case dryRun:
		if _, err = s.Function(name); err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return in, kind, err
	case requestResponse, other:
		in, err = readInvoke(r, name)
		return in, kind, err
	}
	known := requestResponse + " or " + dryRun
	if other != "" {
		known = other + ", " + known
	}
	return in, kind, awsproto.Errorf("InvalidParameterValueException", "InvocationType %q: %s", kind, known)
}

func readInvoke(r *http.Request, name string) (InvokeInput, error) {
	in := InvokeInput{Function: name, TraceID: r.Header.Get("X-Amzn-Trace-Id"), TenantID: r.Header.Get("X-Amz-Tenant-Id")}
	if r.Header.Get("X-Amz-Durable-Execution-Name") != "" {
		return in, awsproto.Errorf("InvalidParameterValueException", "DurableExecutionName: this machine has no durable executions")
	}
	switch kind := r.Header.Get("X-Amz-Log-Type"); kind {
	case "", "None":
	case "Tail":
		in.LogTail = true
	default:
		return in, awsproto.Errorf("InvalidParameterValueException", "LogType %q: None or Tail", kind)
	}
	if text := r.Header.Get("X-Amz-Client-Context"); text != "" {
		context, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(text) > maxClientContext || !json.Valid(context) {
			return in, &awsproto.Error{Code: "InvalidRequestContentException", Message: "Client context must be a valid Base64-encoded JSON object."}
		}
		in.ClientContext = string(context)
	}
	body, err := readBody(r, maxRequest)
	if errors.Is(err, errTooLarge) {
		return in, &awsproto.Error{Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxRequest)}
	}
	if err != nil {
		return in, &awsproto.Error{Code: "InvalidRequestContentException", Message: "Could not read the request body: " + err.Error()}
	}
	if len(body) > 0 && !json.Valid(body) {
		return in, &awsproto.Error{Code: "InvalidRequestContentException", Message: "Could not parse request body into json: it is not JSON"}
	}
	in.Payload = body
	return in, nil
}
