package influx

import (
	"net/http"
	"time"
)

// closingGrace is how long a client may still take once the server is closing.
const closingGrace = time.Second

// A deadline on a connection is all that ends a read from or a write to a client that has stopped: the
// request's context does not. A writer without deadlines, a test's recorder, is left as it is.

// readBody has read take the request's body, for which the client has StallTimeout. If that fails the rest is
// not waited for, and the connection ends with the answer.
func (s *Server) readBody(w http.ResponseWriter, read func() error) error {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(s.patience())
	if err := read(); err != nil {
		// The server discards what is left of a body before it answers, unless the connection ends; the deadline
		// that has passed stays, so that nothing waits for it after the answer either.
		w.Header().Set("Connection", "close")
		return err
	}
	_ = conn.SetReadDeadline(time.Time{}) // the connection lives on
	return nil
}

func (s *Server) patience() time.Time {
	if s.closing.Err() != nil {
		return time.Now().Add(closingGrace)
	}
	return time.Now().Add(s.config.StallTimeout)
}

// A pacedWriter gives the client StallTimeout for every part of an answer rather than for the whole.
type pacedWriter struct {
	w      http.ResponseWriter
	conn   *http.ResponseController
	server *Server
}

// pacedPart is small enough for any client that reads at all, and large enough for few system calls.
const pacedPart = 64 << 10

func (p pacedWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		part := b[:min(len(b), pacedPart)]
		b = b[len(part):]
		_ = p.conn.SetWriteDeadline(p.server.patience())
		var written int
		written, err = p.w.Write(part)
		n += written
	}
	return n, err
}

// Flush sends what is buffered.
func (p pacedWriter) Flush() error {
	_ = p.conn.SetWriteDeadline(p.server.patience())
	return p.conn.Flush()
}

// lift sends what is buffered and takes the deadline away.
func (p pacedWriter) lift() {
	_ = p.Flush()
	_ = p.conn.SetWriteDeadline(time.Time{})
}
