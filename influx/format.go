package influx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/influxdata/influxdb/query"
)

// An encoder writes the responses of one answer, of which a chunked one has many.
type encoder interface {
	encode(w io.Writer, r response) error
}

// A format is a way to write answers, chosen by the Accept header.
type format struct {
	contentType string
	encoder     func() encoder
}

// formatFor returns the format that the client likes best; JSON if it names none that there is.
func formatFor(r *http.Request) format {
	pretty := r.URL.Query().Get("pretty") == "true"
	formats := []format{
		{"application/json", func() encoder { return jsonEncoder{pretty} }},
		{"application/csv", func() encoder { return &csvEncoder{} }},
		{"text/csv", func() encoder { return &csvEncoder{} }},
		{"application/x-msgpack", func() encoder { return msgpackEncoder{} }},
	}
	best, weight := formats[0], 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		mediaType, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			q, _ = strconv.ParseFloat(s, 64) // what is no number weighs nothing
		}
		if q <= weight {
			continue
		}
		for _, f := range formats {
			if accepts(mediaType, f.contentType) {
				best, weight = f, q
				break
			}
		}
	}
	return best
}

// accepts reports whether a media type, which may have stars, covers a content type.
func accepts(pattern, contentType string) bool {
	if pattern == "*" {
		return true
	}
	wantMain, wantSub, _ := strings.Cut(pattern, "/")
	main, sub, _ := strings.Cut(contentType, "/")
	return (wantMain == "*" || wantMain == main) && (wantSub == "*" || wantSub == sub)
}

// jsonEncoder writes one JSON object per response, each on a line of its own unless it is pretty.
type jsonEncoder struct{ pretty bool }

func (e jsonEncoder) encode(w io.Writer, r response) error {
	body, err := e.marshal(r)
	if err != nil { // a value that JSON has no word for, such as an infinite float
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		if body, err = e.marshal(response{err: err.Error()}); err != nil {
			return err
		}
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

func (e jsonEncoder) marshal(r response) ([]byte, error) {
	body, err := json.Marshal(struct {
		Results []*query.Result `json:"results,omitempty"`
		Err     string          `json:"error,omitempty"`
	}{r.results, r.err})
	if err != nil || !e.pretty {
		return body, err
	}
	var indented bytes.Buffer
	err = json.Indent(&indented, body, "", "    ")
	return indented.Bytes(), err
}
