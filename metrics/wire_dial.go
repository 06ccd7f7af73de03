package metrics

import (
	"bufio"
	"context"
	"errors"
	"net"
	"time"
)

// dialTimeout is the longest that a dial takes. While a function is frozen it does not go by.
const dialTimeout = 5 * time.Second

// take returns the connection that is kept, nil if there is none.
func (w *wire) take() *wireConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.takeLocked()
}

func (w *wire) takeLocked() *wireConn {
	c := w.idle
	w.idle = nil
	return c
}

// put keeps a connection for the next request.
func (w *wire) put(c *wireConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.putLocked(c)
}

func (w *wire) putLocked(c *wireConn) {
	if w.closed {
		c.close()
		return
	}
	w.idle.close()
	w.idle = c
}

// CloseIdleConnections closes the connection that is kept, and no request waits any longer for one that is
// being made: the next makes another. The one in the making has until the call after this, because
// that may be all that a handshake needs which takes longer than a flush.
func (w *wire) CloseIdleConnections() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takeLocked().close()
	w.older.end()
	w.older, w.dialing = w.dialing, nil
}

// close ends the wire: what it has, and what is being made or in use as soon as it comes back.
func (w *wire) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.CloseIdleConnections()
	w.CloseIdleConnections() // what is being made, too
}

// dialing is a connection in the making.
type dialing struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done
}

// end gives a dial up, if there is one.
func (d *dialing) end() {
	if d != nil {
		d.cancel()
	}
}

// over is closed when the dial is done, if there is one.
func (d *dialing) over() <-chan struct{} {
	if d == nil {
		return nil
	}
	return d.done
}

// connect makes a connection. One that takes longer than ctx lasts is for the next request: the
// handshake of TLS may take longer than a flush does.
func (w *wire) connect(ctx context.Context) (*wireConn, error) {
	for {
		w.mu.Lock()
		if c := w.takeLocked(); c != nil {
			w.mu.Unlock()
			return c, nil
		}
		if w.closed {
			w.mu.Unlock()
			return nil, net.ErrClosed
		}
		if w.dialing == nil {
			w.dialing = w.begin()
		}
		d, older := w.dialing, w.older
		w.mu.Unlock()
		select {
		case <-d.done:
			if d.err != nil && !errors.Is(d.err, errGivenUp) {
				return nil, d.err
			}
		case <-older.over():
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// begin starts a dial, which ends with the timeout at the latest.
func (w *wire) begin() *dialing {
	ctx, cancel := context.WithTimeout(context.Background(), w.timeout)
	d := &dialing{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		defer cancel()
		conn, err := w.dial(ctx)
		d.err = w.finish(d, conn, err)
	}()
	return d
}

// errGivenUp ends a dial whose connection nobody wants any more.
var errGivenUp = errors.New("given up")

// finish keeps the connection that a dial has made, unless it has been given up.
func (w *wire) finish(d *dialing, conn net.Conn, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	wanted := true
	switch d {
	case w.dialing:
		w.dialing = nil
	case w.older:
		w.older = nil
	default:
		wanted = false
	}
	switch {
	case wanted && err == nil:
		c := &wireConn{conn: conn, raw: rawConn(conn)}
		c.in = bufio.NewReader(c)
		w.putLocked(c)
	case wanted:
		return err
	default:
		if err == nil {
			conn.Close()
		}
		return errGivenUp
	}
	return nil
}
