package awsproto

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// ServeJSON answers a request of the JSON protocols with what serve says to it.
func ServeJSON(w http.ResponseWriter, r *http.Request, serve func(*http.Request) (any, error)) {
	out, err := serve(r)
	if err == nil {
		err = WriteJSON(w, http.StatusOK, out)
	}
	if err != nil {
		WriteJSONError(w, err)
	}
}

// Targets are the calls of a service whose requests name them in X-Amz-Target.
type Targets struct {
	Prefix   string // of X-Amz-Target, e.g. AmazonSSM.
	Service  string // as errors call it
	Limit    int64  // of a body, in bytes
	TooLarge string // the code of the error of a larger one
}

// Target is the one of known that a request asks for, and the request's body. What is not known is an
// Error that names all that is.
func Target[A any](r *http.Request, t Targets, known map[string]A) (do A, body []byte, err error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), t.Prefix)
	do, found := known[name]
	if !ok || !found {
		return do, nil, Errorf("UnknownOperationException", "%s: on this machine %s knows %s", cmp.Or(name, "no X-Amz-Target"), t.Service, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	body, err = ReadBody(r, t.Limit, t.TooLarge)
	return do, body, err
}

// ReadBody reads a request's body of at most limit bytes; more is an Error with the code tooLarge.
func ReadBody(r *http.Request, limit int64, tooLarge string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, Errorf("SerializationException", "reading the request: %v", err)
	}
	if int64(len(data)) > limit {
		return nil, Errorf(tooLarge, "the request is over %d bytes", limit)
	}
	return data, nil
}

// DecodeJSON reads a request of the JSON protocols into a pointer to a struct. A member that the
// struct does not have is an Error with the code unknown that names it: what this machine does not do
// must not look as if it had been done. No body at all leaves the struct as it is.
func DecodeJSON(data []byte, in any, unknown string) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(in)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &wrong):
		return Errorf("SerializationException", "%s: a JSON %s is no %s", wrong.Field, wrong.Value, wrong.Type)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Errorf(unknown, "%s is not supported on this machine", strings.Trim(name, `"`))
	}
	return Errorf("SerializationException", "the request is not JSON: %v", err)
}
