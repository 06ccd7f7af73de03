package command

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

// tap stands between the functions and the store. It sees every batch, and can stand in its way.
type tap struct {
	*httptest.Server
	store atomic.Pointer[httputil.ReverseProxy]

	delay  atomic.Int64 // nanoseconds before a batch is handed on
	refuse atomic.Bool  // answers 503 and hands on nothing
	away   atomic.Bool  // resets connections before it has read anything
	reset  atomic.Int64 // how many connections it did so to
	// chance, if it is there, picks what goes wrong with the batch that comes n-th.
	chance atomic.Pointer[func(n int64) trouble]
	came   atomic.Int64

	mu          sync.Mutex
	invocations map[string]string   // the points that came, by series and time
	altered     []string            // those that came again with another content
	doubled     []string            // those that came again although their sender had the acknowledgement
	replayed    int                 // those that came again because it had not
	acked       map[string]bool     // the points whose acknowledgement the sender has read
	last        map[string][]string // the points of the last batch of each connection, by its address
	from        map[string]bool     // the addresses that sent them
	troubled    map[string]bool     // the environments whose last batch had trouble
	met         map[trouble]int     // how many batches met what
}

func newTap(t *testing.T) *tap {
	p := &tap{invocations: map[string]string{}, acked: map[string]bool{}, last: map[string][]string{}, from: map[string]bool{}, troubled: map[string]bool{}, met: map[trouble]int{}}
	p.Server = httptest.NewUnstartedServer(p)
	p.Listener = &door{p.Listener, p}
	p.Start()
	t.Cleanup(p.Close)
	return p
}

// A door lets connections in, unless the tap is away.
type door struct {
	net.Listener
	tap *tap
}

func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil || !d.tap.away.Load() {
			return conn, err
		}
		d.tap.reset.Add(1)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // else it is closed in order
		}
		_ = conn.Close()
	}
}

// leave takes no connection for a while, and ends those that there are. It stays away until somebody has
// noticed, who may have waited after the end of its connection, or until the load is over.
func (p *tap) leave(while time.Duration, over <-chan struct{}) {
	before := p.reset.Load()
	p.away.Store(true)
	defer p.away.Store(false)
	p.CloseClientConnections()
	time.Sleep(while)
	for p.reset.Load() == before {
		select {
		case <-over:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// trouble is what may happen to a batch on its way.
type trouble int

const (
	none      trouble = iota
	late              // it is handed on, after a while
	refused           // it is answered with 503 and not handed on
	cut               // the connection is reset and it is not handed on
	halved            // a half of it is handed on, and the connection reset
	forgotten         // it is written, and the connection reset without an answer
	truncated         // it is written, and a part of the answer sent
	troubles
)

func (t trouble) String() string {
	return [...]string{"none", "late", "refused", "cut", "halved", "forgotten", "truncated"}[t]
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.refuse.Load() {
		http.Error(w, `{"error":"gone"}`, http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(time.Duration(p.delay.Load()))
	text, err := unzipped(r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	what := p.next(text)
	switch what {
	case refused:
		http.Error(w, `{"error":"gone"}`, http.StatusServiceUnavailable)
		return
	case cut:
		hangUp(w, "")
		return
	case halved:
		// The store waits for the rest, and finds the connection closed.
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), iotest.ErrReader(io.ErrUnexpectedEOF)))
		p.store.Load().ServeHTTP(httptest.NewRecorder(), r)
		hangUp(w, "")
		return
	case late:
		time.Sleep(60 * time.Millisecond)
	}
	p.note(r, text)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if what != forgotten && what != truncated {
		p.store.Load().ServeHTTP(w, r)
		return
	}
	p.store.Load().ServeHTTP(httptest.NewRecorder(), r)
	if what == truncated {
		hangUp(w, "HTTP/1.1 204 No Con")
		return
	}
	hangUp(w, "")
}

// next picks what happens to a batch. No environment has trouble twice in a row: one that is about
// to end would not always have the time for a third try.
func (p *tap) next(text string) trouble {
	chance := p.chance.Load()
	if chance == nil {
		return none
	}
	_, instance, _ := strings.Cut(text, ",instance=")
	instance, _, _ = strings.Cut(instance, ",")
	what := (*chance)(p.came.Add(1))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.troubled[instance] {
		what = none
	}
	p.troubled[instance] = what != none
	p.met[what]++
	return what
}

// unzipped is a batch as it was before it was compressed.
func unzipped(r *http.Request, body []byte) (string, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return string(body), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

// hangUp closes the connection after these last words; without words it resets it.
func hangUp(w http.ResponseWriter, words string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err) // this server's connections can all be taken over
	}
	if tcp, ok := conn.(*net.TCPConn); ok && words == "" {
		_ = tcp.SetLinger(0) // else it is closed in order
	}
	_, _ = io.WriteString(conn, words) // whether they are heard is the test's question
	_ = conn.Close()
}

// note reads the invocation points of a batch.
//
// A point that comes again is a double, unless its sender never had the answer to the first: then
// it has to send it again, and the store takes both for one. HTTP tells these apart. A client that
// gives up on an answer gives up the connection with it; so the next request on a connection proves
// that the answer to the one before has been read.
func (p *tap) note(r *http.Request, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.last[r.RemoteAddr] {
		p.acked[key] = true
	}
	p.last[r.RemoteAddr] = nil
	for line := range strings.SplitSeq(text, "\n") {
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
