package command

import (
	"context"
	"io"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/laptop"
	"github.com/ephor-io/ephor/load"
)

// hello stands for examples/hello: what its main says, but for the handler.
func hello() (*ephor.App, string) {
	app := ephor.New("SpartaGrafana")
	app.Get("/hello/grafana", app.Function("HelloWorld", func() error { return nil }))
	app.Monitor(ephor.Grafana{})
	return app, "examples/hello"
}

// tapped is an application, up, with a tap before its store. source is its main's folder.
func tapped(t *testing.T, app *ephor.App, source string) (*session, *tap) {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	pkg, err := gotool.FindPackage(ctx, modulePath+"/"+source)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{app: app, stdout: io.Discard, stderr: t.Output(), state: dir}
	s := newSession(p, pkg, dir, upFlags{})
	tap := newTap(t)
	s.ready = func(userData, storeURL, pageURL string) (string, []byte, error) {
		u, err := url.Parse(storeURL)
		if err != nil {
			return "", nil, err
		}
		tap.store.Store(httputil.NewSingleHostReverseProxy(u))
		return hostReady(userData, tap.URL, pageURL)
	}
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		if l := s.running.Load(); l != nil {
			if err := l.Close(end); err != nil {
				t.Error(err)
			}
		}
		s.terminal.close()
	})
	if err := s.start(ctx, laptop.Ports{}); err != nil {
		t.Fatal(err)
	}
	return s, tap
}

// Every invocation point comes from a function's process, over HTTP, once. Only a point whose
// acknowledgement a busy machine kept waiting may come again, byte for byte: see tap.note.
func TestEveryPointComesFromAFunction(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("this system has no /proc to look up connections in")
	}
	app, source := hello()
	s, tap := tapped(t, app, source)
	send(t, s, "2s@40..80")
	open := senders(t, tap.Listener)
	n, err := s.settled(t.Context(), &store{url: s.addresses.Store, database: storeDatabase, client: s.client})
	if want := s.lambdaStatus().total().Invocations; err != nil || n != want || want != 120 {
		t.Errorf("%d of %d invocations are recorded, 120 were asked for (%v)", n, want, err)
	}
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if len(tap.invocations) != 120 {
		t.Errorf("the tap saw %d points of 120 invocations", len(tap.invocations))
	}
	for _, twice := range tap.altered {
		t.Errorf("one point with two contents:\n%s", twice)
	}
	for _, twice := range tap.doubled {
		t.Errorf("sent again after it was acknowledged:\n%s", twice)
	}
	if tap.replayed > 0 {
		t.Logf("%d points came again because their senders gave up on the answer", tap.replayed)
	}
	found := 0
	for address, exe := range open {
		if !tap.from[address] {
			continue
		}
		if found++; filepath.Base(exe) != "bootstrap" || !strings.HasPrefix(exe, s.dir) {
			t.Errorf("points came from %s", exe)
		}
	}
	if found == 0 {
		t.Errorf("none of the %d connections that brought points is open any more", len(tap.from))
	}
}

// A store that is slow or gone holds up no request, and what was measured meanwhile arrives when
// it is back.
func TestRequestsDoNotWaitForTheStore(t *testing.T) {
	t.Parallel()
	app, source := hello()
	s, tap := tapped(t, app, source)
	send(t, s, "1s@20")
	tap.refuse.Store(true)
	send(t, s, "2s@20")
	tap.refuse.Store(false)
	tap.delay.Store(int64(100 * time.Millisecond))
	send(t, s, "1s@20")
	tap.delay.Store(0)
	at := &store{url: s.addresses.Store, database: storeDatabase, client: s.client}
	n, err := s.settled(t.Context(), at)
	if want := s.lambdaStatus().total().Invocations; err != nil || n != want || want != 80 {
		t.Errorf("%d of %d invocations are recorded, 80 were asked for (%v)", n, want, err)
	}
}

// send runs a plan, of which every request must be answered, and waits for the functions to rest.
func send(t *testing.T, s *session, plan string) {
	t.Helper()
	p, err := load.ParsePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.load(t.Context(), p, "")
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != r.Asked {
		t.Errorf("%d of %d requests were answered: %v", r.OK, r.Asked, r.FirstFailure)
	}
	for s.lambdaStatus().total().Busy > 0 {
		time.Sleep(5 * time.Millisecond)
	}
}
