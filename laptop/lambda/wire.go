package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// operation is one call of the wire API.
type operation struct {
	name   string
	method string
	path   string // {} stands for one part, which the handler gets
	serve  func(s *Service, w http.ResponseWriter, r *http.Request, arg string) error
}

// ServeHTTP answers Lambda's wire API, REST JSON. Whether the request is signed is not looked at.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.EscapedPath(), "/")
	for _, op := range operations {
		if arg, ok := match(op.path, path); ok && op.method == r.Method {
			if err := op.serve(s, w, r, arg); err != nil {
				writeError(w, err)
			}
			return
		}
	}
	writeError(w, &awsproto.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: "Lambda on this machine has no operation " + r.Method + " " + r.URL.Path})
}

// match compares an escaped path with a pattern, part by part. What {} stands for is returned
// unescaped; of several, joined by a slash.
func match(pattern, path string) (arg string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	var args []string
	for i, part := range want {
		if part == "{}" {
			value, err := url.PathUnescape(got[i])
			if err != nil || value == "" {
				return "", false
			}
			args = append(args, value)
		} else if part != got[i] {
			return "", false
		}
	}
	return strings.Join(args, "/"), true
}

// writeError adds the reason of a throttle to what awsproto writes.
func writeError(w http.ResponseWriter, err error) {
	throttled, ok := errors.AsType[*Throttled](err)
	if !ok {
		awsproto.WriteJSONError(w, err)
		return
	}
	e := awsproto.From(throttled)
	w.Header().Set("x-amzn-errortype", e.Code)
	w.Header().Set("Retry-After", "1")
	// Strings marshal always, and a caller that has gone cannot be told so.
	_ = awsproto.WriteJSON(w, e.Status, map[string]string{"Reason": throttled.Reason, "Type": "User", "message": e.Message})
}

// maxWireRequest is Lambda's limit of a request with an archive in it, in base64.
const maxWireRequest = 70_167_211

// decode reads a request. A field that in does not have is named in the error: what this machine
// cannot do must not look as if it had been done.
func decode(w http.ResponseWriter, r *http.Request, in any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxWireRequest))
	d.DisallowUnknownFields()
	err := d.Decode(in)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &awsproto.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: "Request must be smaller than 70167211 bytes for this operation"}
	}
	if err != nil && !errors.Is(err, io.EOF) { // an empty body stands for {}
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return awsproto.Errorf("InvalidParameterValueException", "the parameter %s is not supported on this machine", strings.Trim(field, `"`))
		}
		return &awsproto.Error{Code: "InvalidRequestContentException", Message: "Could not parse request body into json: " + err.Error()}
	}
	return nil
}
