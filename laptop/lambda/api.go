package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	runtimePrefix    = "/2018-06-01/runtime/"
	extensionsPrefix = "/2020-01-01/extension/"
)

func (e *environment) serveAPI(w http.ResponseWriter, r *http.Request) {
	if err := e.function.service.cfg.Guard(r); err != nil {
		refuse(w, http.StatusForbidden, "Forbidden", "%s", err)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, runtimePrefix); ok {
		e.serveRuntime(w, r, path)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, extensionsPrefix); ok {
		e.serveExtension(w, r, path)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, profilesPrefix); ok {
		e.serveProfiles(w, r, path)
		return
	}
	switch strings.TrimSuffix(r.URL.Path, "/") {
	case telemetryPath:
		e.serveTelemetry(w, r)
	case logsPath:
		serveLogs(w)
	case metadataPath:
		e.serveMetadata(w, r)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "this environment has no %s", r.URL.Path)
	}
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

// poll is a request for the next event that waits for one.
type poll struct {
	w        http.ResponseWriter
	replaced chan struct{}
	answered chan struct{} // closed when deliver has answered it, or begun to
}

// lost says that nobody waits for the poll's answer any more. The caller holds the environment's mutex.
func (p *poll) lost() bool { return p == nil || peerGone(p.w) }

func peerGone(w http.ResponseWriter) bool {
	c, ok := w.(interface{ peerGone() bool })
	return ok && c.peerGone()
}

// replace makes a poll that takes the place of the one in *p: a client has one at a time, so the
// one before has lost its connection. The caller holds the environment's mutex.
func replace(p **poll, w http.ResponseWriter) *poll {
	if *p != nil {
		close((*p).replaced)
	}
	*p = &poll{w: w, replaced: make(chan struct{}), answered: make(chan struct{})}
	return *p
}

// await returns what comes out of events or ends, or nothing when w's client has gone or has its answer, or the
// process has ended. An event whose client has gone stays for the client's next try.
func (e *environment) await(w http.ResponseWriter, p *poll, events chan *invocation, ends chan shutdown) (*invocation, *shutdown) {
	select {
	case inv := <-events:
		if peerGone(w) {
			events <- inv // it has room for one, and there is one at a time
			return nil, nil
		}
		return inv, nil
	case end := <-ends:
		select {
		case <-p.answered:
			ends <- end // it is for the next poll
			return nil, nil
		default:
		}
		return nil, &end
	case <-p.answered:
	case <-p.replaced:
	case <-e.gone:
	}
	return nil, nil
}
