package lambda

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// server is an HTTP/1.1 server for the few requests that a runtime makes, one after another and
// each soon followed by the next. It does less than net/http's and costs a third of it: there is no
// goroutine per request that watches for the client's going away, and an answer is one write.
// Handlers get a context that never ends.
type server struct {
	listener net.Listener
	handler  http.Handler
	tell     func(error) // what goes wrong here and ends neither the server nor anything else
	serving  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// maxHeader is the limit of a request's head. The cause of an error goes into a header and may
// have 1 MB.
const maxHeader = 2 << 20

// newServer serves the Runtime API at a port of its own. tell may be called from many goroutines.
func newServer(handler http.Handler, tell func(error)) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the Runtime API: %w", err)
	}
	return serveOn(l, handler, tell), nil
}

func serveOn(l net.Listener, handler http.Handler, tell func(error)) *server {
	s := &server{listener: l, handler: handler, tell: tell, conns: map[net.Conn]struct{}{}}
	s.serving.Go(s.accept)
	return s
}

func (s *server) address() string { return s.listener.Addr().String() }

// close cuts all connections and returns when no handler is at work any more.
func (s *server) close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// accept goes on after an error, of which only the first in a row is told: no descriptor is free, say.
func (s *server) accept() {
	failing := false
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !failing {
				s.tell(fmt.Errorf("accepting a connection of the Runtime API, which is tried until it succeeds: %w", err))
			}
			failing = true
			time.Sleep(5 * time.Millisecond)
			continue
		}
		failing = false
		s.mu.Lock()
		if s.closed {
			c.Close()
		} else {
			s.conns[c] = struct{}{}
			s.serving.Go(func() { s.serve(c) })
		}
		s.mu.Unlock()
	}
}

// serve answers the requests of one connection. A handler that panics loses it, and nothing else.
func (s *server) serve(c net.Conn) {
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
			s.tell(fmt.Errorf("a request of the Runtime API was not answered: panic: %v\n%s", cause, debug.Stack()))
		}
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	head := &headReader{conn: c}
	in := bufio.NewReaderSize(head, 4<<10)
	out := &responseWriter{conn: c, header: http.Header{}}
	for {
		head.left = maxHeader
		r, err := http.ReadRequest(in)
		if err != nil {
			return // the client has gone, or does not speak HTTP
		}
		head.left = -1
		if r.Header.Get("Expect") == "100-continue" {
			if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return
			}
		}
		r.RemoteAddr = "127.0.0.1"
		s.handler.ServeHTTP(out, r)
		// What the handler has left of the body stands before the next request.
		if n, err := io.CopyN(io.Discard, r.Body, 256<<10); err != io.EOF || n == 256<<10 {
			out.closing = true
		}
		if out.sent {
			err = out.sendRest()
		} else {
			err = out.finish(r.Method != http.MethodHead)
		}
		if out.then != nil {
			out.then()
			out.then = nil
		}
		if err != nil || out.closing || r.Close || !r.ProtoAtLeast(1, 1) {
			return
		}
	}
}

// headReader limits what is read while left is not negative.
type headReader struct {
	conn net.Conn
	left int
}

func (h *headReader) Read(p []byte) (int, error) {
	if h.left == 0 {
		return 0, errors.New("the head of the request is too large")
	}
	if h.left > 0 && len(p) > h.left {
		p = p[:h.left]
	}
	n, err := h.conn.Read(p)
	if h.left > 0 {
		h.left -= n
	}
	return n, err
}

// responseWriter collects an answer and writes it at once. It is used again for every request of
// its connection.
type responseWriter struct {
	conn    net.Conn
	header  http.Header
	status  int
	body    []byte
	out     []byte
	closing bool
	then    func() // what to do when the answer has been sent
	sent    bool   // by send, but for rest
	rest    []byte
}

// afterwards does what ends the environment, and cuts its connections, once the answer to the
// call that asked for it has been sent.
func afterwards(w http.ResponseWriter, do func()) {
	if own, ok := w.(*responseWriter); ok {
		own.then = do
		return
	}
	do()
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

// send sends an answer before its handler has returned, which does no more than wait for that; it may be called by
// another goroutine. It never blocks: what the socket does not take is sent by sendRest.
func (w *responseWriter) send() {
	w.sent, w.rest = true, w.encode(true)
	conn, ok := w.conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return // sendRest fails likewise, and so says it
	}
	_ = raw.Write(func(fd uintptr) bool {
		n, _ := syscall.Write(int(fd), w.rest) // whatever the error is, sendRest waits or meets it too
		w.rest = w.rest[max(n, 0):]
		return true
	})
}

// sendRest ends what send has begun, and makes w ready for another answer.
func (w *responseWriter) sendRest() error {
	var err error
	if len(w.rest) > 0 {
		_, err = w.conn.Write(w.rest)
	}
	w.sent, w.rest = false, nil
	w.reset()
	return err
}

// finish sends the answer and makes w ready for another.
func (w *responseWriter) finish(withBody bool) error {
	_, err := w.conn.Write(w.encode(withBody))
	w.reset()
	return err
}

// reset makes w ready for another answer.
func (w *responseWriter) reset() {
	clear(w.header)
	w.status = 0
	w.out, w.body = reuse(w.out), reuse(w.body)
}

// encode makes the bytes of the answer, which are good until reset.
func (w *responseWriter) encode(withBody bool) []byte {
	w.WriteHeader(http.StatusOK)
	b := append(w.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(w.status)...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(w.body)), 10)
	if w.closing {
		b = append(b, "\r\nConnection: close"...)
	}
	for name, values := range w.header {
		for _, value := range values {
			if name == "Content-Length" {
				continue
			}
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			at := len(b)
			b = append(b, value...)
			if bytes.ContainsAny(b[at:], "\r\n") { // a value may not begin another header
				for i := at; i < len(b); i++ {
					if b[i] == '\r' || b[i] == '\n' {
						b[i] = ' '
					}
				}
			}
		}
	}
	b = append(b, "\r\n\r\n"...)
	if withBody {
		b = append(b, w.body...)
	}
	w.out = b
	return b
}

// reuse keeps a buffer for the next answer unless it is large.
func reuse(b []byte) []byte {
	if cap(b) > 64<<10 {
		return nil
	}
	return b[:0]
}

// peerGone says that the client has closed the connection, so that an event given to it would be lost.
func (w *responseWriter) peerGone() bool {
	conn, ok := w.conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) { gone = hasEnded(fd) })
	return gone || err != nil
}

// hasEnded says that nothing more will come from a socket.
func hasEnded(fd uintptr) bool {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return n == 0 && err == nil || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
}

// connected is an answer whose client can be seen to go.
type connected interface {
	peerGone() bool
	watch() (gone <-chan struct{}, stop func())
}

// watch closes gone when the client of w closes the connection. stop ends that, and must be called
// before the request is answered. What cannot be watched is never gone.
func watch(w http.ResponseWriter) (gone <-chan struct{}, stop func()) {
	if c, ok := w.(connected); ok {
		return c.watch()
	}
	return nil, func() {}
}

func (w *responseWriter) watch() (<-chan struct{}, func()) {
	conn, ok := w.conn.(syscall.Conn)
	if !ok {
		return nil, func() {}
	}
	gone, done := make(chan struct{}), make(chan struct{})
	raw, err := conn.SyscallConn()
	if err != nil {
		close(gone)
		return gone, func() {}
	}
	go func() {
		defer close(done)
		ended := false
		// Read calls back whenever there may be something to read. Its error is that of the deadline
		// which stop sets, or of the server's end.
		_ = raw.Read(func(fd uintptr) bool {
			ended = hasEnded(fd)
			return ended
		})
		if ended {
			close(gone)
		}
	}()
	return gone, func() {
		// An error would be that of a closed connection, which ends the watch, too.
		_ = w.conn.SetReadDeadline(time.Unix(1, 0))
		<-done
		_ = w.conn.SetReadDeadline(time.Time{})
	}
}
