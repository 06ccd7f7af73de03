package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// integrationResponse is the content type of a streamed answer that begins with its status, its
// headers and its cookies as JSON and eight zero bytes:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
const integrationResponse = "application/vnd.awslambda.http-integration-response"

// maxPrelude bounds that JSON: https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
const maxPrelude = 16 << 10

var preludeEnd = make([]byte, 8)

// streamWriter makes an HTTP response of a function's answer as it comes. What a function declares
// as anything else than an integration response is the body of a 200.
type streamWriter struct {
	w        http.ResponseWriter
	decorate func(http.Header) // puts the headers of CORS

	status    int // 0 until the head is out
	bytes     int // of the body
	prelude   []byte
	inPrelude bool
	malformed error
}

// Start is called with the content type before the first byte.
func (s *streamWriter) Start(contentType string) {
	if contentType == integrationResponse {
		s.inPrelude = true
		return
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	s.head(response{status: http.StatusOK, contentType: contentType})
}

func (s *streamWriter) head(out response) {
	h := s.w.Header()
	out.putHeaders(h)
	s.decorate(h)
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", out.contentType)
	}
	for _, c := range out.cookies {
		h.Add("Set-Cookie", c)
	}
	s.status = out.status
	s.w.WriteHeader(out.status)
	s.flush()
}

// Write passes the next bytes on at once.
func (s *streamWriter) Write(p []byte) (int, error) {
	if s.malformed != nil {
		return 0, s.malformed
	}
	if !s.inPrelude {
		return s.body(p)
	}
	s.prelude = append(s.prelude, p...)
	i := bytes.Index(s.prelude, preludeEnd)
	if i < 0 && len(s.prelude) <= maxPrelude {
		return len(p), nil
	}
	if i < 0 || i > maxPrelude {
		s.malformed = fmt.Errorf("the first %d bytes of the streamed answer hold no end of its metadata, 8 zero bytes", maxPrelude)
		return 0, s.malformed
	}
	rest := s.prelude[i+len(preludeEnd):]
	out, err := parsePrelude(s.prelude[:i])
	if err != nil {
		s.malformed = err
		return 0, err
	}
	s.inPrelude, s.prelude = false, nil
	s.head(out)
	if _, err := s.body(rest); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *streamWriter) body(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.w.Write(p)
	s.bytes += n
	if errors.Is(err, http.ErrBodyNotAllowed) {
		return len(p), nil // what a 204 says is dropped
	}
	if err != nil {
		return n, err
	}
	s.flush()
	return n, nil
}

// flush sends what there is. A writer that cannot keeps it until the end, which comes.
func (s *streamWriter) flush() { _ = http.NewResponseController(s.w).Flush() }

// end says that the answer is complete.
func (s *streamWriter) end() error {
	switch {
	case s.malformed != nil:
		return s.malformed
	case s.inPrelude:
		s.malformed = errors.New("the streamed answer ended within its metadata")
		return s.malformed
	case s.status == 0:
		s.head(response{status: http.StatusOK, contentType: "application/octet-stream"})
	}
	return nil
}

// parsePrelude reads the metadata of a streamed answer. Without a statusCode it is a 200.
func parsePrelude(text []byte) (response, error) {
	if bytes.IndexByte(bytes.TrimLeft(text, " \t\r\n"), '{') != 0 {
		return response{}, fmt.Errorf("the streamed answer's metadata is no object: %s", cut(text))
	}
	var raw struct {
		StatusCode json.RawMessage            `json:"statusCode"`
		Headers    map[string]json.RawMessage `json:"headers"`
		Cookies    []string                   `json:"cookies"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return response{}, fmt.Errorf("the streamed answer's metadata: %w", err)
	}
	if raw.StatusCode == nil {
		raw.StatusCode = json.RawMessage("200")
	}
	out, err := structured(raw.StatusCode, raw.Headers, raw.Cookies, nil, false)
	if err != nil {
		return response{}, fmt.Errorf("the streamed answer's metadata: %w", err)
	}
	out.contentType = "application/octet-stream"
	return out, nil
}
