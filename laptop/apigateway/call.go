package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// The quotas of APIs and of Lambda's synchronous invocations:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxBodyBytes  = 10 << 20
	maxHeadBytes  = 10240
	maxEventBytes = 6 << 20
)

// failure is an answer of the gateway's own. The reason goes into the access log, as it does on
// AWS ($context.integrationErrorMessage), and not to the caller.
type failure struct {
	status    int
	reason    string
	challenge string // WWW-Authenticate
}

// outcome says how a function's invocation ended without a payload to answer with. What it means
// to the caller differs between HTTP APIs, REST APIs and function URLs.
type outcome int

const (
	timedOut  outcome = iota + 1 // the integration's timeout ended before the function did
	gone                         // the caller went away
	tooLarge                     // for Lambda
	throttled                    // by Lambda
	denied                       // by the function's resource policy
	failed                       // the function's own error
	invalid                      // as Lambda finds the request: a tenant is missing, or too much
	broken                       // any other error of Lambda's
)

// problem is an outcome with its reason.
type problem struct {
	outcome outcome
	reason  string
	err     *awsproto.Error // Lambda's, nil if it was not Lambda's
	said    []byte          // what a function that failed said of it
}

// errorMessage is what a function that failed said, "" if it was not the function that failed.
func (p *problem) errorMessage() string {
	var said struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if p.said == nil || json.Unmarshal(p.said, &said) != nil {
		return ""
	}
	return said.ErrorMessage
}

// invoke runs a function for r, for at most timeout; 0 means as long as the function may.
func (c *Config) invoke(r *http.Request, timeout time.Duration, call Call) ([]byte, *problem) {
	ctx := r.Context()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	result, err := c.Invoker.Invoke(ctx, call)
	if err != nil {
		return nil, problemOf(err, ctx, r, timeout)
	}
	if result.FunctionError != "" {
		return nil, failedWith(result)
	}
	return result.Payload, nil
}

func failedWith(result Result) *problem {
	return &problem{outcome: failed, said: result.Payload, reason: fmt.Sprintf("the function failed (%s): %s", result.FunctionError, cut(result.Payload))}
}

func problemOf(err error, ctx context.Context, r *http.Request, timeout time.Duration) *problem {
	p := &problem{outcome: broken, reason: err.Error()}
	errors.As(err, &p.err)
	switch {
	case r.Context().Err() != nil:
		p.outcome, p.reason = gone, "the caller has gone"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.outcome, p.reason = timedOut, fmt.Sprintf("the integration's timeout of %v ended before the function did", timeout)
	case p.err == nil:
	case p.err.Status == http.StatusRequestEntityTooLarge:
		p.outcome = tooLarge
	case p.err.Code == "TooManyRequestsException":
		p.outcome = throttled
	case p.err.Code == "AccessDeniedException":
		p.outcome = denied
	case p.err.Code == "InvalidParameterValueException":
		p.outcome = invalid
	}
	return p
}

// readBody reads the request's body as far, and as long, as a gateway takes it.
func (r *request) readBody(c *http.ResponseController, most int64) *failure {
	if r.ContentLength == 0 {
		return nil
	}
	tooLarge := &failure{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("the body is over the limit of %d bytes", most)}
	// The deadline must not outlast the body: it would end the wait for the function, too. A
	// writer that knows no deadlines leaves the connection without one.
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	if r.ContentLength > most {
		r.excess = c
		return tooLarge
	}
	var err error
	if r.ContentLength > 0 {
		r.body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, r.body)
	} else {
		r.body, err = io.ReadAll(io.LimitReader(r.Body, most+1))
	}
	if err != nil {
		return &failure{status: http.StatusBadRequest, reason: "reading the body: " + err.Error()}
	}
	if int64(len(r.body)) > most {
		r.excess = c
		return tooLarge
	}
	return nil
}

// maxDiscarded is how much of a body that is too large is read all the same.
const maxDiscarded = 256 << 20

// refuse writes the answer to a request that gets none from its function, and tells how long its body
// was. Then it reads what is left of a body that is too large: a client that looks for the answer only
// when it has written all would find a connection that was reset. One that asks before it sends needs
// none of that.
func (r *request) refuse(w http.ResponseWriter, status int, body string) int {
	drain := r.excess != nil && r.Header.Get("Expect") == "" && r.excess.EnableFullDuplex() == nil
	if drain {
		w.Header().Set("Connection", "close") // where reading stops short, no other request can be told from the rest
	}
	n := write(w, response{status: status, contentType: "application/json", body: []byte(body)})
	if drain && r.excess.Flush() == nil && r.excess.SetReadDeadline(time.Now().Add(bodyTimeout)) == nil {
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded) // its end is of no interest
	}
	return n
}

// checkHead refuses a request line and headers that are too long, and a path that is none.
func checkHead(r *http.Request) *failure {
	if head := headBytes(r); head > maxHeadBytes {
		return &failure{status: http.StatusRequestHeaderFieldsTooLarge,
			reason: fmt.Sprintf("request line and headers are %d bytes; API Gateway takes %d", head, maxHeadBytes)}
	}
	if path := r.URL.EscapedPath(); path == "" || path[0] != '/' {
		return &failure{status: http.StatusBadRequest, reason: fmt.Sprintf("the path %q does not begin with a slash", path)}
	}
	return nil
}

// write sends a response and tells how long its body was.
func write(w http.ResponseWriter, out response) int {
	h := w.Header()
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = []string{out.contentType}
	}
	for _, c := range out.cookies {
		h.Add("Set-Cookie", c)
	}
	if out.status == http.StatusNoContent || out.status == http.StatusNotModified {
		w.WriteHeader(out.status)
		return 0
	}
	h["Content-Length"] = []string{strconv.Itoa(len(out.body))}
	w.WriteHeader(out.status)
	// A caller that has gone cannot be told so.
	n, _ := w.Write(out.body)
	return n
}

// headBytes is about what the request line and the headers took on the wire.
func headBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Host) + 20
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

func sourceIP(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// cut keeps an error's description to what a log line may hold.
func cut(b []byte) string {
	const most = 512
	if len(b) > most {
		return string(b[:most]) + "…"
	}
	return string(b)
}
