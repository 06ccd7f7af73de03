//go:build !ephor_lambda

package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/laptop"
	"github.com/ephor-io/ephor/load"
)

// tap stands between the functions and the store. It sees every batch, and can stand in its way.
type tap struct {
	*httptest.Server
	store atomic.Pointer[httputil.ReverseProxy]

	delay  atomic.Int64 // nanoseconds before a batch is handed on
	refuse atomic.Bool  // answers 503 and hands on nothing

	mu          sync.Mutex
	invocations map[string]string   // the points that came, by series and time
	altered     []string            // those that came again with another content
	doubled     []string            // those that came again although their sender had the acknowledgement
	replayed    int                 // those that came again because it had not
	acked       map[string]bool     // the points whose acknowledgement the sender has read
	last        map[string][]string // the points of the last batch of each connection, by its address
	from        map[string]bool     // the addresses that sent them
}

func newTap(t *testing.T) *tap {
	p := &tap{invocations: map[string]string{}, acked: map[string]bool{}, last: map[string][]string{}, from: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.refuse.Load() {
		http.Error(w, `{"error":"gone"}`, http.StatusServiceUnavailable)
		return
	}
	time.Sleep(time.Duration(p.delay.Load()))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.note(r, body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.store.Load().ServeHTTP(w, r)
}

// note reads the invocation points of a batch.
//
// A point that comes again is a double, unless its sender never had the answer to the first: then
// it has to send it again, and the store takes both for one. HTTP tells these apart. A client that
// gives up on an answer gives up the connection with it; so the next request on a connection proves
// that the answer to the one before has been read.
func (p *tap) note(r *http.Request, body []byte) {
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return
		}
		if body, err = io.ReadAll(z); err != nil {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.last[r.RemoteAddr] {
		p.acked[key] = true
	}
	p.last[r.RemoteAddr] = nil
	for line := range strings.SplitSeq(string(body), "\n") {
		parts := strings.Split(line, " ")
		if !strings.HasPrefix(line, "invocation,") {
			continue
		}
		key := parts[0] + " " + parts[len(parts)-1]
		had, again := p.invocations[key]
		switch {
		case again && had != line:
			p.altered = append(p.altered, had+"\n"+line)
		case p.acked[key]:
			p.doubled = append(p.doubled, line)
		case again:
			p.replayed++
		}
		p.invocations[key] = line
		p.last[r.RemoteAddr] = append(p.last[r.RemoteAddr], key)
		p.from[hexAddress(r.RemoteAddr)] = true
	}
}

// senders finds the programs at the other end of a listener's connections, by their address, the
// way netstat -p does: the kernel's table of connections names each socket, and the process that
// has that socket among its files is the one. Connections that are closed are not found.
func senders(t *testing.T, l net.Listener) map[string]string {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]string{}
	for line := range strings.SplitSeq(string(table), "\n") {
		f := strings.Fields(line)
		if len(f) > 9 && f[2] == hexAddress(l.Addr().String()) && f[9] != "0" {
			sockets["socket:["+f[9]+"]"] = f[1]
		}
	}
	programs := map[string]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // a pattern that is well formed has no error
	for _, f := range files {
		target, err := os.Readlink(f)
		if err != nil || sockets[target] == "" {
			continue
		}
		if exe, err := os.Readlink(filepath.Join(filepath.Dir(filepath.Dir(f)), "exe")); err == nil {
			programs[sockets[target]] = exe
		}
	}
	return programs
}

// hexAddress is 127.0.0.1:port as the kernel's table has it.
func hexAddress(address string) string {
	_, port, _ := net.SplitHostPort(address) // a connection's address has both
	n, _ := strconv.Atoi(port)
	return fmt.Sprintf("0100007F:%04X", n)
}

// tapped is the hello application, up, with a tap before its store.
func tapped(t *testing.T) (*session, *tap) {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	pkg, err := gotool.FindPackage(ctx, modulePath+"/examples/hello")
	if err != nil {
		t.Fatal(err)
	}
	app := ephor.New("SpartaGrafana")
	app.Get("/hello/grafana", app.Function("HelloWorld", func() error { return nil }))
	app.Monitor(ephor.Grafana{})
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
	s, tap := tapped(t)
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
	s, tap := tapped(t)
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
