package metrics

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// What Flush and Close return, and the log says, names the store and what to look at.
func TestTroubleNamesTheStore(t *testing.T) {
	t.Parallel()
	f := func(url, ca string, timeout bool, wants ...string) {
		t.Helper()
		set := new(Set)
		hits, err := set.Counter("hits")
		if err != nil {
			t.Fatal(err)
		}
		hits.Inc()
		var logged []string
		p, err := Open(Config{URL: url, CA: ca, Set: set, FlushTimeout: time.Minute, Log: func(m string) { logged = append(logged, m) }})
		if err != nil {
			t.Fatal(err)
		}
		within := func() context.Context {
			if !timeout {
				return t.Context() // in which Close tries once
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		}
		flushed := p.Flush(within())
		closed := p.Close(within())
		if flushed == nil || closed == nil || len(logged) != 1 {
			t.Fatalf("%v, %v, %q", flushed, closed, logged)
		}
		for _, want := range append(wants, "the store at "+strings.TrimSuffix(url, "/influx")) {
			for _, got := range []string{flushed.Error(), closed.Error(), logged[0]} {
				if !strings.Contains(got, want) {
					t.Errorf("%q lacks %q", got, want)
				}
			}
		}
		if !strings.Contains(flushed.Error(), "sent again at the next flush") || !strings.Contains(closed.Error(), "lost unless it has them") {
			t.Errorf("%v\n%v", flushed, closed)
		}
		if got := errors.Is(flushed, os.ErrDeadlineExceeded); got != timeout {
			t.Errorf("%v: a timeout is %v", flushed, got)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f("http://"+l.Addr().String(), "", true, "no answer in time", "EPHOR_STORE_URL")

	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	f("http://"+gone.Addr().String(), "", false, "connection refused", "EPHOR_STORE_URL")

	deny := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	server := httptest.NewServer(deny)
	defer server.Close()
	f(server.URL+"/influx", "", false, "401", "EPHOR_STORE_TOKEN")
	f(strings.Replace(server.URL, "http", "https", 1), "", false, "http://")

	encrypted := httptest.NewUnstartedServer(deny)
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are refused
	encrypted.StartTLS()
	defer encrypted.Close()
	f(encrypted.URL, "system", false, "certificate", "EPHOR_STORE_CA")
}

// A context that has ended publishes nothing, and Flush says so.
func TestFlushWithoutTime(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.counter.Inc()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Flush(ctx); !errors.Is(err, context.Canceled) || len(h.store.sent()) != 0 {
		t.Errorf("%v; sent %q", err, h.store.sent())
	}
	if err := h.Flush(t.Context()); err != nil || len(h.store.sent()) != 1 {
		t.Errorf("%v; sent %q", err, h.store.sent())
	}
}
