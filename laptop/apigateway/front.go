package apigateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	portTries = 100
	// idleTimeout closes kept connections; the gateway's own value is not documented.
	idleTimeout = 10 * time.Minute
	// headerTimeout bounds how long a client may take over a request's head, bodyTimeout over its body.
	headerTimeout = 30 * time.Second
	bodyTimeout   = 60 * time.Second
)

// front is a port and what answers on it: one API's, or one function URL's.
type front struct {
	name    string // as in errors: API abc123
	order   int    // among the APIs; the first to be made has Config.Port
	port    int
	server  *http.Server
	stopped chan error

	mu    sync.Mutex
	fresh map[net.Conn]struct{} // connections that have not sent anything
}

func newFront(name string, order, port int, h http.Handler) *front {
	f := &front{name: name, order: order, port: port, stopped: make(chan error, 1), fresh: map[net.Conn]struct{}{}}
	f.server = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    4 * maxHeadBytes,
		ConnState:         f.track,
	}
	return f
}

// track knows the connections that browsers open ahead of need. Shutdown would wait for them.
func (f *front) track(c net.Conn, s http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == http.StateNew {
		f.fresh[c] = struct{}{}
	} else {
		delete(f.fresh, c)
	}
}

// dropFresh closes the connections on which nothing has been asked.
func (f *front) dropFresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.fresh {
		c.Close()
	}
}

func (f *front) serve(l net.Listener) {
	go func() { f.stopped <- f.server.Serve(l) }()
}

func (f *front) endpoint() string { return endpoint(f.port) }

func endpoint(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// stop ends the listener and waits for the requests in flight; those that ctx does not wait for
// lose their connection.
func (f *front) stop(ctx context.Context) error {
	f.server.RegisterOnShutdown(f.dropFresh)
	err := f.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("closing %s: %w", f.name, err), f.server.Close())
	}
	if served := <-f.stopped; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	f.stopped <- http.ErrServerClosed // for whoever stops it once more
	return err
}

// noOrder is a function URL's place among the APIs: behind them all.
const noOrder = int(^uint(0) >> 1)

// listen opens a port: the one that was had (0: none), or Config.Port and those above it. The
// first API has Config.Port itself; a function URL never takes it. s.mu is held, or s is not
// shared yet.
func (s *Service) listen(id string, order, had int) (net.Listener, error) {
	first := order != noOrder
	for _, f := range s.fronts {
		first = first && f.order > order
	}
	wanted, lowest := had, s.config.Port
	if order == noOrder && lowest != 0 {
		lowest++
	}
	if wanted == 0 || first && s.config.Port != 0 {
		wanted = lowest
	}
	l, err := openPort(wanted)
	if err != nil && first && s.config.PortFixed {
		return nil, err
	}
	// What another API had stays free for it, so that its URL lives on.
	for next := lowest; err != nil && next != 0 && next < lowest+portTries && next <= 65535; next++ {
		if !s.reserved[next] {
			l, err = openPort(next)
		}
	}
	if err != nil {
		l, err = openPort(0)
	}
	if err != nil {
		return nil, err
	}
	if got := portOf(l); wanted != 0 && got != wanted && (first || had != 0) {
		s.config.Events(PortMoved{APIID: id, Wanted: wanted, Got: got})
	}
	return l, nil
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func openPort(port int) (net.Listener, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken: %w", port, err)
	}
	return l, err
}
