package metrics

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// An extensionsAPI is Lambda's, no further away than a pipe, so that a test of it has synctest's time.
type extensionsAPI struct {
	t      *testing.T
	events chan string  // what next answers: an event, or "500"
	asked  chan string  // the requests, when they have come
	exit   atomic.Int64 // what exit/error answers
	away   atomic.Bool  // takes no connection
}

// listening opens a publisher, of a harness if wrapped, which listens to an API.
func listening(t *testing.T, change func(*Config)) (*harness, *extensionsAPI) {
	t.Helper()
	h := newHarness(t, change)
	return h, attach(t, h.Publisher)
}

func attach(t *testing.T, p *Publisher) *extensionsAPI {
	t.Helper()
	api := &extensionsAPI{t: t, events: make(chan string), asked: make(chan string, 100)}
	api.exit.Store(http.StatusAccepted)
	w := &wire{host: "api", timeout: time.Hour, dial: func(context.Context) (net.Conn, error) {
		if api.away.Load() {
			return nil, errors.New("nobody is there")
		}
		ours, theirs := net.Pipe()
		go api.serve(theirs)
		return ours, nil
	}}
	ext := &extension{id: "id", poll: "http://api/event/next", end: "http://api/exit/error", wire: w}
	p.hold.listening = true
	p.tasks.Go(func() {
		defer ext.close()
		p.listen(ext)
	})
	return api
}

// serve answers one request: Peek must not meet the next.
func (a *extensionsAPI) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	gone := make(chan struct{})
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	a.asked <- r.URL.Path
	status, body := int(a.exit.Load()), ""
	if strings.HasSuffix(r.URL.Path, "/next") {
		go func() { // the client's end while it waits
			if _, err := in.Peek(1); err != nil {
				close(gone)
			}
		}()
		select {
		case body = <-a.events:
		case <-gone:
			return
		}
		if status = http.StatusOK; body == "500" {
			status, body = http.StatusInternalServerError, `{"errorType":"Broken"}`
		}
	}
	// A client that has gone meanwhile needs no answer.
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), len(body), body)
}

// requests are those that have come since it was last asked, when nothing goes on any more.
func (a *extensionsAPI) requests() (paths []string) {
	synctest.Wait()
	for len(a.asked) > 0 {
		paths = append(paths, <-a.asked)
	}
	return paths
}

func invokeEvent(deadline time.Time) string {
	return fmt.Sprintf(`{"eventType":"INVOKE","deadlineMs":%d}`, deadline.UnixMilli())
}

// hanging is a store that answers nothing.
func hanging(ctx context.Context, _ int) (int, string, error) {
	<-ctx.Done()
	return 0, "", ctx.Err()
}

// The extension's flush ends 100 ms before the deadline that its event has.
func TestTheEventsDeadlineBoundsTheFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, api := listening(t, nil)
		h.store.answer = hanging
		if got := api.requests(); !slices.Equal(got, []string{"/event/next"}) {
			t.Fatalf("asked %q", got)
		}
		deadline := time.Now().Add(255 * time.Millisecond)
		go func() { api.events <- invokeEvent(deadline) }()
		h.invoke(255 * time.Millisecond) // 5 ms of them
		out := time.Now()
		if next := <-api.asked; next != "/event/next" || time.Since(out) != 150*time.Millisecond {
			t.Errorf("%s is asked %v after the response, want 150ms", next, time.Since(out))
		}
	})
}

// A freeze shows in the event too, where no handler is wrapped to see it.
func TestAFreezeIsSeenByTheExtension(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, frozen, began := &storeStub{}, time.Duration(0), time.Now()
		p, err := Open(Config{URL: "http://store.test", Function: "f", Set: new(Set), Transport: store, Log: func(m string) { t.Error(m) },
			Clock: func() (time.Time, time.Duration) {
				now := time.Now()
				return now.Add(frozen).Round(0), now.Sub(began)
			}})
		if err != nil {
			t.Fatal(err)
		}
		api := attach(t, p)
		api.requests()
		frozen = time.Minute
		api.events <- invokeEvent(time.Now().Add(time.Hour))
		api.requests()
		if store.closed != 1 {
			t.Errorf("idle connections were closed %d times", store.closed)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := store.sent()
		if got := field(sent[len(sent)-1], "publisher", "freezes"); got != "1i" {
			t.Errorf("%s freezes in %q", got, sent)
		}
	})
}

// An invocation whose event has come and that is not out holds up nothing when the publisher is closed.
func TestCloseEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, api := listening(t, nil)
		api.requests()
		go func() { api.events <- invokeEvent(time.Now().Add(time.Hour)) }()
		release := make(chan struct{})
		handler := h.Wrap(func() { <-release }).(func(context.Context) (*response, error))
		time.Sleep(3 * eventDelay) // it was read, and its handler has not begun, yet is not given up
		go func() {
			resp, err := handler(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp)
		}()
		time.Sleep(2 * beginTimeout)                 // one that runs is not given up
		if err := h.Close(t.Context()); err != nil { // synctest finds it if it hangs
			t.Error(err)
		}
		if sent := h.store.sent(); !strings.Contains(sent[len(sent)-1], `error="terminated"`) {
			t.Errorf("sent %q", sent)
		}
		close(release)
	})
}

// One failed request is made again; and invocations are published meanwhile as they are else.
func TestTheExtensionsAPIIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, api := listening(t, nil)
		api.requests()
		for range 3 { // more of them than in a row would end it
			for range patience - 1 {
				api.events <- "500"
				time.Sleep(time.Second)
			}
			if got := api.requests(); len(got) != patience-1 || slices.Contains(got, "/exit/error") {
				t.Fatalf("asked %q", got)
			}
			before := len(h.store.sent())
			go func() { api.events <- invokeEvent(time.Now().Add(time.Minute)) }()
			h.invoke(time.Minute)
			if got := api.requests(); !slices.Equal(got, []string{"/event/next"}) || len(h.store.sent()) != before+1 {
				t.Errorf("asked %q, %d batches", got, len(h.store.sent())-before)
			}
		}
		if len(h.logged) > 0 {
			t.Errorf("logged %q", h.logged)
		}
	})
}

// An Extensions API that keeps failing is told of the extension's end, when the invocation that runs is published. Where
// it does not take that either, each invocation publishes by itself.
func TestTheExtensionLeaves(t *testing.T) {
	t.Parallel()
	f := func(exit int, logged ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h, api := listening(t, nil)
			api.exit.Store(int64(exit))
			api.requests()
			api.away.Store(true) // while the handler runs
			api.events <- "500"
			time.Sleep(2*eventDelay + firstPatience/2) // by then it is read
			handler := h.Wrap(func() { time.Sleep(time.Minute); api.away.Store(false) }).(func(context.Context) (*response, error))
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				resp, err := handler(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if err := resp.Close(); err != nil {
					t.Error(err)
				}
			}()
			time.Sleep(30 * time.Second)
			if got := api.requests(); slices.Contains(got, "/exit/error") {
				t.Errorf("the extension leaves while an invocation runs: %q", got)
			}
			<-ended
			if got := api.requests(); !slices.Equal(got, []string{"/exit/error"}) || h.store.invocations() != 1 {
				t.Errorf("asked %q, with %d invocations published", got, h.store.invocations())
			}
			h.invoke(time.Minute)
			if n := h.store.invocations(); n != 2 {
				t.Errorf("%d of two invocations published", n)
			}
			if len(h.logged) != len(logged) {
				t.Fatalf("logged %q", h.logged)
			}
			for i, want := range logged {
				if !strings.Contains(h.logged[i], want) {
					t.Errorf("logged %q, want %q", h.logged[i], want)
				}
			}
		})
	}
	f(http.StatusAccepted, "6 times in a row: nobody is there; Lambda is told")
	f(http.StatusInternalServerError, "Lambda is told", "publish by themselves from now on")
}

// An Extensions API that does not answer the registration does not keep the function from starting.
func TestRegistrationIsBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	opened := make(chan *Publisher)
	logged := make(chan string, 10)
	go func() {
		p, err := Open(Config{URL: "http://store.test", Set: new(Set), Transport: &storeStub{}, RuntimeAPI: l.Addr().String(), Log: func(m string) { logged <- m }})
		if err != nil {
			t.Error(err)
		}
		opened <- p
	}()
	select {
	case p := <-opened:
		if m := <-logged; !strings.Contains(m, "registering as an extension failed: context deadline exceeded") {
			t.Error(m)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	case <-ctx.Done():
		t.Error("Open waits for the Extensions API")
	}
}

// A wall clock that is set while a handler runs is no freeze.
func TestAClockThatIsSetIsNoFreeze(t *testing.T) {
	t.Parallel()
	now := moment{wall: time.Unix(1763800000, 0)}
	h := newHarness(t, func(c *Config) {
		c.FlushEvery = 2
		c.Clock = func() (time.Time, time.Duration) { return now.wall, now.monotonic }
	})
	handler := h.Wrap(func() { now.wall = now.wall.Add(time.Hour) }).(func(context.Context) (*response, error))
	for range 2 {
		resp, err := handler(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := field(h.store.sent()[0], "publisher", "freezes"); got != "0i" {
		t.Errorf("%s freezes", got)
	}
}
