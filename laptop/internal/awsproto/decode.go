package awsproto

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

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
