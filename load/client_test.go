package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// at is a Config for a server, which is closed at the test's end.
func at(t *testing.T, plan string, h http.HandlerFunc) (Config, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Config{Plan: mustParse(t, plan), Targets: []Target{{URL: server.URL}}}, server
}

func TestRequestsArriveAsWritten(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	c, _ := at(t, "200ms@500", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := fmt.Sprintf("%s %s %s %s %s %q", r.Method, r.URL, r.Proto, r.Host, r.Header.Get("X-Test"), body)
		if want := `POST /a?b=c HTTP/1.1 shop.example yes "Hello"`; got != want {
			t.Errorf("the server got %s, want %s", got, want)
		}
		served.Add(1)
	})
	c.Targets[0].Method, c.Targets[0].Body = "POST", []byte("Hello")
	c.Targets[0].URL += "/a?b=c"
	c.Targets[0].Header = http.Header{"X-Test": {"yes"}, "Host": {"shop.example"}}
	r := run(t, t.Context(), c)
	equal(t, Counts{Asked: 100, Sent: 100, OK: 100}, r.Counts)
	if served.Load() != 100 {
		t.Errorf("the server served %d of 100", served.Load())
	}
}

func TestConnectionsAreBoundedAndKept(t *testing.T) {
	t.Parallel()
	var opened, now, most atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		// More than what net/http would drain by itself.
		w.Write(make([]byte, 1<<20))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	r := run(t, t.Context(), Config{
		Plan: mustParse(t, "100ms@2000"), Targets: []Target{{URL: server.URL}}, MaxConnections: 4,
	})
	equal(t, Counts{Asked: 200, Sent: 200, OK: 200}, r.Counts)
	if opened.Load() > 4 || most.Load() > 4 || most.Load() < 2 {
		t.Errorf("%d connections were opened, %d used at once, 4 are allowed", opened.Load(), most.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	c, _ := at(t, "10ms@100", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("a redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	equal(t, map[string]int64{"status 302": 1}, run(t, t.Context(), c).Reasons)
}

func TestReasons(t *testing.T) {
	t.Parallel()
	// The near end of a connection has a port where nobody listens and nobody will.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	taken, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	hijack := func(w http.ResponseWriter, say string, linger int) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, say)
		conn.(*net.TCPConn).SetLinger(linger)
		conn.Close()
	}
	for reason, handler := range map[string]http.HandlerFunc{
		"status 404":        http.NotFound,
		"status 502":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		"connection closed": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "", -1) },
		"connection reset":  func(w http.ResponseWriter, _ *http.Request) { hijack(w, "", 0) },
		"body cut short": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHello", -1)
		},
		"timeout": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"other":   func(w http.ResponseWriter, _ *http.Request) { hijack(w, "no HTTP at all\r\n\r\n", -1) },
		// Served by nobody:
		"connection refused": nil,
		"TLS":                http.NotFound,
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			c, server := at(t, "20ms@100", handler)
			switch reason {
			case "connection refused":
				c.Targets[0].URL = "http://" + taken.LocalAddr().String()
			case "TLS":
				c.Targets[0].URL = "https" + server.URL[len("http"):]
			case "timeout":
				c.Timeout = 2 * time.Second
			}
			r := run(t, t.Context(), c)
			equal(t, Counts{Asked: 2, Sent: 2, Failed: 2}, r.Counts)
			equal(t, map[string]int64{reason: 2}, r.Reasons)
			if r.FirstFailure == "" {
				t.Error("the first failure says nothing")
			}
		})
	}
}

func TestReasonOfWhatCannotBeProvoked(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"host name not found": &net.DNSError{Name: "localhost", IsNotFound: true},
		"other":               errors.New("something else"),
	} {
		if got := reasonOf(fmt.Errorf("sending: %w", err)); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

// BenchmarkRun sends by a steady plan to a server in the same process, and shows whether the
// generator keeps up: lag is its own part of the response time.
func BenchmarkRun(b *testing.B) {
	for _, rate := range []float64{100, 1000, 5000} {
		b.Run(fmt.Sprintf("rate=%v", rate), func(b *testing.B) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "Hello World")
			}))
			defer server.Close()
			for b.Loop() {
				r, err := Run(b.Context(), Config{
					Plan:    Plan{{Duration: 3 * time.Second, From: rate, To: rate}},
					Targets: []Target{{URL: server.URL}},
				})
				if err != nil || r.OK != r.Asked {
					b.Fatalf("%+v, %v", r, err)
				}
				b.ReportMetric(float64(r.OK)/r.Seconds, "ok/s")
				b.ReportMetric(1000*r.Lag.P50, "lag-p50-µs")
				b.ReportMetric(1000*r.Lag.P99, "lag-p99-µs")
				b.ReportMetric(1000*r.P50, "response-p50-µs")
				b.ReportMetric(1000*r.P99, "response-p99-µs")
			}
		})
	}
}

// BenchmarkTally is the price of one request's figures.
func BenchmarkTally(b *testing.B) {
	t := newTally()
	b.ReportAllocs()
	for b.Loop() {
		t.asked()
		t.sent(50 * time.Microsecond)
		t.done(nil, 1234*time.Microsecond, 1184*time.Microsecond)
	}
}

func BenchmarkCut(b *testing.B) {
	t := newTally()
	for b.Loop() {
		for i := range 100 {
			t.done(nil, time.Duration(i)*time.Millisecond, time.Duration(i)*time.Millisecond)
		}
		t.cut()
	}
}
