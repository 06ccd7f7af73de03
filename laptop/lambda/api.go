package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// api is an environment's listener: the Runtime API and the Extensions API.
type api struct {
	address string // AWS_LAMBDA_RUNTIME_API
	server  *http.Server
	served  chan struct{}
}

func serveAPI(e *environment) (*api, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the Runtime API: %w", err)
	}
	a := &api{
		address: l.Addr().String(),
		server:  &http.Server{Handler: e.function.service.cfg.Middleware(http.HandlerFunc(e.serveAPI)), MaxHeaderBytes: 1 << 20},
		served:  make(chan struct{}),
	}
	go func() {
		defer close(a.served)
		_ = a.server.Serve(l) // it ends when close is called, and says just that
	}()
	return a, nil
}

// close cuts all connections, which ends the handlers that wait for an event.
func (a *api) close() {
	// Nothing can be done about a socket that does not close.
	_ = a.server.Close()
	<-a.served
}

const (
	runtimePrefix    = "/2018-06-01/runtime/"
	extensionsPrefix = "/2020-01-01/extension/"
)

func (e *environment) serveAPI(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, runtimePrefix); ok {
		e.serveRuntime(w, r, path)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, extensionsPrefix); ok {
		e.serveExtension(w, r, path)
		return
	}
	refuse(w, http.StatusNotFound, "NotFound", "this environment has no %s", r.URL.Path)
}

// refuse answers an error as the Runtime and Extensions APIs do.
func refuse(w http.ResponseWriter, status int, kind, format string, args ...any) {
	body, err := json.Marshal(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{fmt.Sprintf(format, args...), kind})
	if err != nil {
		panic(err) // two strings always marshal
	}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that has gone cannot be told so
}

// accept answers what needs no answer.
func accept(w http.ResponseWriter) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

var (
	jsonType = []string{"application/json"}

	errTooLarge = errors.New("the body is larger than it may be")
)

// readBody reads a body of at most limit bytes.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = errTooLarge
	}
	return body, err
}

// await returns what comes out of events, or nil when the caller has gone or the process has
// ended: then an event stays where it is for the caller's next try.
func await(ctx context.Context, events chan *invocation) *invocation {
	select {
	case inv := <-events:
		if ctx.Err() != nil {
			events <- inv // it has room for one, and there is one at a time
			return nil
		}
		return inv
	case <-ctx.Done():
		return nil
	}
}
