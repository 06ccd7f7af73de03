package function

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime/debug"
)

// maxUnflushed is how much a handler may write before it goes out without a flush.
const maxUnflushed = 64 << 10

// stream runs the handler beside the answer to the event, which begins when the handler flushes,
// has written much, or has ended. A panic before that is the function's; after it, it breaks off
// the response and nothing more, as under net/http's server.
func stream(h http.Handler, r *http.Request) (io.Reader, error) {
	body, pipe := io.Pipe()
	w := &streamWriter{pipe: pipe, begun: make(chan struct{})}
	w.header = http.Header{}
	ended := make(chan any, 1) // what the handler panicked with, an error, or nil
	go func() {
		result := run(h, w, r)
		if w.out {
			pipe.CloseWithError(asError(result)) // nil is the end
			return
		}
		ended <- result
	}()
	select {
	case <-w.begun:
	case result := <-ended:
		if err, ok := result.(error); ok && err == errAborted {
			return nil, err
		} else if result != nil {
			panic(result)
		}
		// All of it is there.
		go func() { pipe.CloseWithError(w.begin()) }()
	}
	return &streamed{body}, nil
}

// run calls the handler and tells how it ended; the stack of a panic goes into the log, because it
// is gone where the panic is raised again.
func run(h http.Handler, w http.ResponseWriter, r *http.Request) (result any) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			result = errAborted
		} else if v != nil {
			log.Printf("the HTTP handler panicked: %v\n%s", v, debug.Stack())
			result = v
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func asError(result any) error {
	switch v := result.(type) {
	case nil:
		return nil
	case error:
		return v
	}
	return fmt.Errorf("panic: %v", result)
}

// streamed is what goes to Lambda: status, headers and cookies as JSON, eight zero bytes, the body.
// It has no exported fields, which is how the runtime knows a reader from a value.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
type streamed struct{ body *io.PipeReader }

func (s *streamed) Read(p []byte) (int, error) { return s.body.Read(p) }

// Close says that nobody reads any more; the handler's next write fails.
func (s *streamed) Close() error { return s.body.Close() }

func (s *streamed) ContentType() string { return "application/vnd.awslambda.http-integration-response" }

// streamWriter is a responseWriter that can flush. The handler's goroutine alone uses it until the
// handler has ended.
type streamWriter struct {
	responseWriter
	pipe  *io.PipeWriter
	begun chan struct{} // closed when the head is about to go out
	out   bool          // the head is out
}

func (w *streamWriter) Write(p []byte) (int, error) {
	if w.out {
		if w.bodyless() {
			return 0, http.ErrBodyNotAllowed
		}
		return w.pipe.Write(p)
	}
	n, err := w.responseWriter.Write(p)
	if err == nil && w.body.Len() > maxUnflushed {
		err = w.FlushError()
	}
	return n, err
}

// Flush sends what has been written.
func (w *streamWriter) Flush() { _ = w.FlushError() } // the next write tells

// FlushError is Flush for http.ResponseController.
func (w *streamWriter) FlushError() error {
	if w.out {
		return nil
	}
	close(w.begun)
	return w.begin()
}

// begin sends the head and what has been written so far.
func (w *streamWriter) begin() error {
	head := w.head()
	w.out = true
	prelude, err := json.Marshal(struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Cookies    []string          `json:"cookies,omitempty"`
	}{head.StatusCode, head.Headers, head.Cookies})
	if err != nil {
		return err
	}
	prelude = append(prelude, make([]byte, 8)...)
	if _, err := w.pipe.Write(append(prelude, w.body.Bytes()...)); err != nil {
		return err
	}
	w.body.Reset()
	return nil
}
