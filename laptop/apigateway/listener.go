package apigateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
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

// api is one API being served. record is guarded by Service.mu; requests read tables.
type api struct {
	config  Config
	record  *record
	id      string
	port    string
	tables  atomic.Pointer[tables]
	server  *http.Server
	stopped chan error

	mu    sync.Mutex
	fresh map[net.Conn]struct{} // connections that have not sent anything
}

func newAPI(config Config, r *record, t *tables) *api {
	a := &api{config: config, record: r, id: r.API.APIID, port: strconv.Itoa(r.Port), stopped: make(chan error, 1), fresh: map[net.Conn]struct{}{}}
	a.tables.Store(t)
	a.server = &http.Server{
		Handler:           config.Middleware(a),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    4 * maxHeadBytes,
		ConnState:         a.track,
	}
	return a
}

// track knows the connections that browsers open ahead of need. Shutdown would wait for them.
func (a *api) track(c net.Conn, s http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s == http.StateNew {
		a.fresh[c] = struct{}{}
	} else {
		delete(a.fresh, c)
	}
}

// dropFresh closes the connections on which nothing has been asked.
func (a *api) dropFresh() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.fresh {
		c.Close()
	}
}

func (a *api) serve(l net.Listener) {
	go func() { a.stopped <- a.server.Serve(l) }()
}

// stop ends the listener and waits for the requests in flight; those that ctx does not wait for
// lose their connection.
func (a *api) stop(ctx context.Context) error {
	a.server.RegisterOnShutdown(a.dropFresh)
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("closing API %s: %w", a.id, err), a.server.Close())
	}
	if served := <-a.stopped; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	a.stopped <- http.ErrServerClosed // for whoever stops it once more
	return err
}

// listen opens the API's port: the one it had, or Config.Port and those above it. It writes port
// and endpoint into r. s.mu is held, or s is not shared yet.
func (s *Service) listen(r *record) (net.Listener, error) {
	first := true
	for _, a := range s.apis {
		first = first && a.record.Order > r.Order
	}
	wanted := r.Port
	if wanted == 0 || first && s.config.Port != 0 {
		wanted = s.config.Port
	}
	l, err := open(wanted)
	if err != nil && first && s.config.PortFixed {
		return nil, err
	}
	// What another API had stays free for it, so that its URL lives on.
	for next := s.config.Port; err != nil && next != 0 && next < s.config.Port+portTries && next <= 65535; next++ {
		if !s.reserved[next] {
			l, err = open(next)
		}
	}
	if err != nil {
		l, err = open(0)
	}
	if err != nil {
		return nil, err
	}
	had := r.Port
	r.Port = l.Addr().(*net.TCPAddr).Port
	r.API.APIEndpoint = "http://127.0.0.1:" + strconv.Itoa(r.Port)
	if wanted != 0 && r.Port != wanted && (first || had != 0) {
		s.config.Events(PortMoved{APIID: r.API.APIID, Wanted: wanted, Got: r.Port})
	}
	return l, nil
}

func open(port int) (net.Listener, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken: %w", port, err)
	}
	return l, err
}

const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// newID is an identifier in API Gateway's form. It is a name and no secret.
func newID(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = idLetters[rand.IntN(len(idLetters))]
	}
	return string(b)
}
