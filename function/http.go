package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ephor-io/ephor"
)

var errAborted = errors.New("the HTTP handler aborted the response")

// serveHTTP makes a function of an http.Handler that serves the events of HTTP APIs, REST APIs and
// function URLs. With streams its answers to function URLs go out as they are written: the URL
// has to invoke it with RESPONSE_STREAM.
func serveHTTP(h http.Handler, streams bool) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var e event
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, fmt.Errorf("the event is no HTTP request: %w", err)
		}
		req, err := e.request(ephor.WithEvent(ctx, payload))
		if err != nil {
			return nil, err
		}
		if streams && e.throughURL() {
			return stream(h, req)
		}
		w := &responseWriter{header: http.Header{}}
		if err := serve(h, w, req); err != nil {
			return nil, err
		}
		if e.first() {
			return w.response1(), nil
		}
		return w.response(), nil
	}
}

// serve calls the handler. The one panic that net/http takes for an answer is an error; of any
// other the process ends, as of every function's.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			err = errAborted
		} else if v != nil {
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}
