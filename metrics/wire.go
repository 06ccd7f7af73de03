package metrics

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A wire is an http.RoundTripper for one server: HTTP/1.1 over a connection that it keeps for the
// next request. What it does net/http's Transport does too, and more; but there two goroutines stand
// by each connection, and a request and its answer pass through both of them. A function does
// little else than make such requests, and the handler has to share its processor with them.
//
// Answers are read as a whole; one over maxAnswer is an error. A request whose kept connection turns out to
// be closed is sent again over a new one, so a server may see it twice: all that is sent here may be repeated.
type wire struct {
	host string // as the Host header has it
	dial func(context.Context) (net.Conn, error)
	// timeout ends a dial that nobody may be waiting for any more.
	timeout time.Duration

	mu      sync.Mutex
	idle    *wireConn
	dialing *dialing // for the request that waits, or for the next
	older   *dialing // from before the last CloseIdleConnections
	closed  bool
}

// maxAnswer is the limit of an answer's head and body together.
const maxAnswer = 1 << 20

// newWire makes a wire to the server of a URL. config is for https.
func newWire(server *url.URL, config *tls.Config) *wire {
	port, dialer := server.Port(), &net.Dialer{KeepAlive: 15 * time.Second}
	w := &wire{host: server.Host, timeout: dialTimeout}
	if server.Scheme == "https" {
		address := net.JoinHostPort(server.Hostname(), orElse(port, "443"))
		w.dial = func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
		}
		return w
	}
	address := net.JoinHostPort(server.Hostname(), orElse(port, "80"))
	w.dial = func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) }
	return w
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// RoundTrip sends a request and returns its answer, whose body is read already.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.roundTrip(r, func(func() bool) {})
}

// roundTrip is RoundTrip, which calls sent before it looks for the answer, with a function that says that
// there certainly is nothing of it yet.
func (w *wire) roundTrip(r *http.Request, sent func(silent func() bool)) (*http.Response, error) {
	request, err := w.encode(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	c := w.take()
	if c != nil && !c.quiet() {
		c.close()
		c = nil
	}
	for {
		kept := c != nil
		if !kept {
			if c, err = w.connect(ctx); err != nil {
				return nil, err
			}
		}
		resp, err := c.exchange(ctx, request, r, sent)
		if c.reusable {
			w.put(c)
		} else {
			c.close()
		}
		switch {
		case err == nil:
			return resp, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !kept || c.heard:
			return nil, err
		}
		c = nil
	}
}

// encode writes a request with its body.
func (w *wire) encode(r *http.Request) ([]byte, error) {
	b := make([]byte, 0, 512+max(r.ContentLength, 0))
	b = append(append(append(b, r.Method...), ' '), r.URL.RequestURI()...)
	b = append(append(b, " HTTP/1.1\r\nHost: "...), w.host...)
	b = append(b, "\r\nUser-Agent: ephor\r\n"...)
	for name, values := range r.Header {
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				return nil, errors.New("the header " + name + " holds a control character")
			}
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	if r.Body == nil {
		return append(b, "\r\n"...), nil
	}
	defer r.Body.Close()
	b = strconv.AppendInt(append(b, "Content-Length: "...), r.ContentLength, 10)
	b = append(b, "\r\n\r\n"...)
	n := len(b)
	b = slices.Grow(b, int(r.ContentLength))[:n+int(r.ContentLength)] // the head may be long: a token, a URL
	_, err := io.ReadFull(r.Body, b[n:])
	return b, err
}

// A wireConn is a connection, used for one request at a time.
type wireConn struct {
	conn     net.Conn
	used     bool            // a request has been sent
	raw      syscall.RawConn // the socket, nil if there is none
	in       *bufio.Reader   // reads from the wireConn itself, which counts
	left     int             // of maxAnswer
	heard    bool            // something of the answer has come
	reusable bool            // for another request
}

func (c *wireConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the answer is too long")
	}
	n, err := c.conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	c.heard = c.heard || n > 0
	return n, err
}

// rawConn is the socket of a connection.
func rawConn(conn net.Conn) syscall.RawConn {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if s, ok := conn.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// quiet says that nothing has come since the last answer: neither the connection's end, nor words that
// would be taken for the next answer. Before the first request a server may have sent what TLS 1.3 has
// it send after the handshake, the tickets of the session, and they are not read yet.
//
// https://www.rfc-editor.org/rfc/rfc8446#section-4.6.1
func (c *wireConn) quiet() bool {
	if _, encrypted := c.conn.(*tls.Conn); encrypted && !c.used {
		return true
	}
	silent := true
	if c.raw != nil && c.raw.Control(func(fd uintptr) { silent = isSilent(fd) }) != nil {
		return false
	}
	return silent
}

// silent says that there certainly is nothing to read.
func (c *wireConn) silent() bool {
	silent := false
	return tellsSilence && c.raw != nil && c.raw.Control(func(fd uintptr) { silent = isSilent(fd) }) == nil && silent
}

// close closes the connection, if there is one.
func (c *wireConn) close() {
	if c != nil {
		c.conn.Close()
	}
}

// exchange sends a request and reads its answer. It ends with an error as soon as ctx does.
func (c *wireConn) exchange(ctx context.Context, request []byte, r *http.Request, sent func(silent func() bool)) (*http.Response, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) }) // a closed one needs none
	c.left, c.heard, c.reusable, c.used = maxAnswer, false, false, true
	resp, whole, err := c.speak(request, r, sent)
	c.reusable = stop() && c.reusable && whole && err == nil
	return resp, err
}

func (c *wireConn) answer(r *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue // the answer is yet to come
		}
		if resp.ContentLength == 0 {
			resp.Body = http.NoBody
		} else {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			resp.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		c.reusable = !resp.Close && c.in.Buffered() == 0 && resp.StatusCode >= 200
		return resp, nil
	}
}
