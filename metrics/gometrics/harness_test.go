package gometrics

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	gm "github.com/rcrowley/go-metrics"

	"github.com/ephor-io/ephor/metrics"
)

// A storeStub keeps what is written to it.
type storeStub struct {
	mu     sync.Mutex
	bodies []string
}

func (s *storeStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, r.URL.RawQuery+" "+r.Header.Get("Authorization")+"\n"+string(b))
	w.WriteHeader(http.StatusNoContent)
}

func (s *storeStub) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func (s *storeStub) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

// A harness publishes a registry to a stub, flush by flush.
type harness struct {
	t        *testing.T
	registry gm.Registry
	set      *metrics.Set
	store    *storeStub
	p        *metrics.Publisher
	logged   []string
}

func newHarness(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	h := &harness{t: t, registry: gm.NewRegistry(), set: new(metrics.Set), store: new(storeStub)}
	c := Config{Registry: h.registry, Set: h.set, Log: func(m string) { h.logged = append(h.logged, m) }}
	if change != nil {
		change(&c)
	}
	if _, err := Publish(c); err != nil {
		t.Fatal(err)
	}
	var err error
	h.p, err = metrics.Open(metrics.Config{URL: "http://store.test", Set: h.set, Transport: h.store, Log: func(m string) { t.Log(m) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.p.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return h
}

// flush publishes and returns the points of the registry, without their times.
func (h *harness) flush() []string {
	h.t.Helper()
	before := len(h.store.sent())
	if err := h.p.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	var points []string
	for _, body := range h.store.sent()[before:] {
		points = append(points, measured(body)...)
	}
	return points
}

// measured are a body's points but for the publisher's own, without their times.
func measured(body string) []string {
	var points []string
	for l := range strings.Lines(body) {
		point, _, _ := cutLast(strings.TrimSpace(l), " ")
		name, _, ok := strings.Cut(point, " ")
		name, _, _ = strings.Cut(name, ",")
		if ok && name != "publisher" && name != "runtime" && !strings.HasPrefix(name, "db=") {
			points = append(points, point)
		}
	}
	return points
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
