package metrics

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A dials is a wire's way to dial, of which each waits for its turn: for what is sent to turns, or for its end.
type dials struct {
	begun, ended atomic.Int64
	turns        chan struct{}
}

func (d *dials) hold(w *wire) {
	dial := w.dial
	w.timeout = time.Hour // what ends is ended
	d.turns = make(chan struct{})
	w.dial = func(ctx context.Context) (net.Conn, error) {
		d.begun.Add(1)
		defer d.ended.Add(1)
		select {
		case <-d.turns:
			return dial(ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// count waits until n is so many.
func count(t *testing.T, what string, n *atomic.Int64, want int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); n.Load() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d %s, want %d", n.Load(), what, want)
		}
	}
}

// sendInVain sends what is not answered before its context ends.
func sendInVain(t *testing.T, w *wire) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if got, err := send(ctx, w, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s, %v", got, err)
	}
}

// countedServer is a store that counts the connections it has, and had.
func countedServer(t *testing.T) (server *httptest.Server, open, all *atomic.Int64) {
	open, all = new(atomic.Int64), new(atomic.Int64)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
			all.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	t.Cleanup(server.Close)
	return server, open, all
}

// overtaken is a wire with a dial that hangs, and another that was begun after CloseIdleConnections.
func overtaken(t *testing.T, server *httptest.Server) (*wire, *dials) {
	t.Helper()
	w, d := wireTo(t, server.URL), new(dials)
	d.hold(w)
	sendInVain(t, w)
	w.CloseIdleConnections()
	sendInVain(t, w)
	count(t, "dials", &d.begun, 2)
	return w, d
}

// A dial that hangs, as one that a freeze has cut off, is no longer waited for behind CloseIdleConnections,
// and the second ends it.
func TestWireLeavesAHangingDial(t *testing.T) {
	t.Parallel()
	server, _, all := countedServer(t)
	server.Start()
	w, d := overtaken(t, server)
	w.CloseIdleConnections()
	count(t, "dials ended", &d.ended, 1)
	go func() {
		// The first answer may come over the second dial before the third has begun, which is none then.
		for d.begun.Load() < 3 {
			time.Sleep(time.Millisecond)
		}
		for range 2 { // the second and the third
			d.turns <- struct{}{}
		}
	}()
	for range 2 {
		if got, err := send(t.Context(), w, ""); err != nil || got != "204 " {
			t.Errorf("%s, %v", got, err)
		}
	}
	count(t, "dials ended", &d.ended, 3)
	if n := all.Load(); n > 2 {
		t.Errorf("%d connections", n)
	}
}

// A dial that a thaw has overtaken is still good, where the one after it takes as long.
func TestWireTakesTheOlderDial(t *testing.T) {
	t.Parallel()
	server, _, all := countedServer(t)
	server.Start()
	w := wireTo(t, server.URL)
	w.timeout = time.Hour
	dial, release := w.dial, make(chan struct{})
	var n atomic.Int64
	w.dial = func(ctx context.Context) (net.Conn, error) {
		if n.Add(1) > 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		<-release
		return dial(ctx)
	}
	sendInVain(t, w)
	w.CloseIdleConnections()
	sendInVain(t, w)
	count(t, "dials", &n, 2)
	close(release)
	if got, err := send(t.Context(), w, ""); err != nil || got != "204 " || all.Load() != 1 {
		t.Errorf("%s, %v over %d connections", got, err, all.Load())
	}
}

// Nothing is left behind a wire that is closed: no dial, and no connection that was made or in use meanwhile.
func TestWireClose(t *testing.T) {
	t.Parallel()
	server, open, _ := countedServer(t)
	server.Start()
	w, d := overtaken(t, server)
	w.close()
	count(t, "dials ended", &d.ended, 2)
	if got, err := send(t.Context(), w, ""); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%s, %v", got, err)
	}
	count(t, "connections open", open, 0)

	w = wireTo(t, server.URL) // one whose dial ends well, and too late
	dial, release := w.dial, make(chan struct{})
	w.dial = func(context.Context) (net.Conn, error) {
		<-release
		d.ended.Add(1)
		return dial(context.Background())
	}
	sendInVain(t, w)
	w.close()
	close(release)
	count(t, "dials ended", &d.ended, 3)
	count(t, "connections open", open, 0)

	w = wireTo(t, server.URL) // one that is used
	c, err := w.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count(t, "connections open", open, 1)
	w.close()
	w.put(c)
	count(t, "connections open", open, 0)
}

// A dial that nobody wants any more, and that ends well all the same, leaves no connection.
func TestAGivenUpDialIsClosed(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]func(*wire){
		"closed":    (*wire).close,
		"overtaken": func(w *wire) { w.CloseIdleConnections(); w.CloseIdleConnections() },
	} {
		ours, theirs := net.Pipe()
		release := make(chan struct{})
		w := &wire{timeout: time.Hour, dial: func(context.Context) (net.Conn, error) {
			<-release
			return ours, nil
		}}
		w.mu.Lock()
		d := w.begin()
		w.dialing = d
		w.mu.Unlock()
		giveUp(w)
		close(release)
		<-d.done
		if !errors.Is(d.err, errGivenUp) {
			t.Errorf("%s: it ended with %v", name, d.err)
		}
		_ = theirs.SetReadDeadline(time.Now()) // a pipe takes it; one that is closed ends before
		if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection is left: %v", name, err)
		}
	}
}

// A publisher that is closed before its store's handshake is done leaves no connection.
func TestCloseEndsTheDial(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	defer server.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return // the dial has not come so far
		}
		defer c.Close()
		_, _ = io.Copy(io.Discard, c) // hears the client out, says nothing, and ends when the client does
	}()
	set := new(Set)
	hits, err := set.Counter("hits")
	if err != nil {
		t.Fatal(err)
	}
	hits.Inc()
	p, err := Open(Config{URL: "https://" + l.Addr().String(), Set: set, Log: func(m string) { t.Log(m) },
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))})
	if err != nil {
		t.Fatal(err)
	}
	w, ok := p.store.transport.(*wire)
	if !ok {
		t.Fatalf("%T", p.store.transport)
	}
	w.timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); err == nil || !strings.Contains(err.Error(), "not acknowledged") {
		t.Error(err)
	}
	l.Close()
	<-ended
}
