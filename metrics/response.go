package metrics

import (
	"bytes"
	"io"
	"sync"
)

const (
	contentTypeJSON  = "application/json"
	contentTypeBytes = "application/octet-stream"
)

// A response is what a wrapped handler returns. aws-lambda-go posts an io.Reader as it is, if its
// JSON is an empty object as that of a struct without exported fields is, and closes it when the
// response is out and before it asks for the next invocation. That is the moment to publish.
type response struct {
	buffer      *bytes.Buffer // nil for a stream
	stream      io.Reader
	contentType string
	inv         *invocation
	readErr     error
}

func streamed(r io.Reader) *response {
	resp := &response{stream: r, contentType: contentTypeBytes}
	if t, ok := r.(interface{ ContentType() string }); ok {
		resp.contentType = t.ContentType()
	}
	return resp
}

// ContentType is sent with the response.
func (r *response) ContentType() string { return r.contentType }

// Read reads the body. An error of a stream ends the response, and is told to Lambda behind it.
func (r *response) Read(p []byte) (int, error) {
	if r.stream == nil {
		return r.buffer.Read(p)
	}
	n, err := r.stream.Read(p)
	if err != nil && err != io.EOF {
		r.readErr = err
	}
	return n, err
}

// Close says that the response is out. A stream's handler has ended only now.
func (r *response) Close() error {
	var err error
	if r.stream == nil {
		r.recycle()
	} else {
		if c, ok := r.stream.(io.Closer); ok {
			err = c.Close()
		}
		if r.readErr != nil {
			r.inv.end(errorText(r.readErr), true)
		} else {
			r.inv.end("", false)
		}
	}
	r.inv.outClosed()
	return err
}

// buffers keeps the memory of responses for the next ones; the garbage collector empties it.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (r *response) recycle() {
	r.buffer.Reset()
	buffers.Put(r.buffer)
	r.buffer = new(bytes.Buffer) // a read that comes late finds the end, not another response
}
