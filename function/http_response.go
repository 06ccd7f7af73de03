package function

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// A response is the answer in payload format 2.0.
type response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers,omitempty"`
	Cookies         []string          `json:"cookies,omitempty"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// A response1 is the answer in payload format 1.0.
type response1 struct {
	StatusCode        int                 `json:"statusCode"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// A responseWriter gathers the response, which an event cannot have before it is whole.
type responseWriter struct {
	header http.Header
	status int
	sent   http.Header // what header held when the status was written
	body   bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 {
		return // informational ones have no place in an event
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.bodyless() {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

func (w *responseWriter) bodyless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// complete fixes status and headers, whatever the handler did.
func (w *responseWriter) complete() {
	w.WriteHeader(http.StatusOK)
	if w.sent.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
}

// head is the response without its body.
func (w *responseWriter) head() response {
	w.complete()
	resp := response{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent["Set-Cookie"]}
	for name, values := range w.sent {
		if name != "Set-Cookie" {
			resp.Headers[name] = strings.Join(values, ", ")
		}
	}
	return resp
}

func (w *responseWriter) response() *response {
	resp := w.head()
	resp.Body, resp.IsBase64Encoded = w.text()
	return &resp
}

func (w *responseWriter) response1() *response1 {
	w.complete()
	resp := &response1{StatusCode: w.status, MultiValueHeaders: w.sent}
	resp.Body, resp.IsBase64Encoded = w.text()
	return resp
}

// text is the body as JSON can hold it.
func (w *responseWriter) text() (body string, encoded bool) {
	if utf8.Valid(w.body.Bytes()) {
		return w.body.String(), false
	}
	return base64.StdEncoding.EncodeToString(w.body.Bytes()), true
}
