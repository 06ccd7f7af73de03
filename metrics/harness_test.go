package metrics

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A storeStub is a store that is no further away than a function call, and keeps what it is sent.
type storeStub struct {
	mu     sync.Mutex
	bodies []string
	// answer says what becomes of write n, counted from 0: a status, or an error.
	answer func(ctx context.Context, n int) (status int, body string, err error)
	header http.Header // of every answer
	closed int         // calls of CloseIdleConnections
}

func (s *storeStub) RoundTrip(r *http.Request) (*http.Response, error) {
	points, err := readBatch(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	n := len(s.bodies)
	s.bodies = append(s.bodies, points)
	answer, header := s.answer, s.header.Clone()
	s.mu.Unlock()
	status, text := http.StatusNoContent, ""
	if answer != nil {
		if status, text, err = answer(r.Context(), n); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader(text)), Header: header}, nil
}

// readBatch is what the publisher has sent, unpacked.
func readBatch(r *http.Request) (string, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return "", err
		}
		body = z
	}
	b, err := io.ReadAll(body)
	return string(b), err
}

func (s *storeStub) CloseIdleConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
}

// sent is what was sent so far.
func (s *storeStub) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// invocations is how many were sent so far.
func (s *storeStub) invocations() int {
	return strings.Count(strings.Join(s.sent(), ""), invocationName+",")
}

func status(code int) func(context.Context, int) (int, string, error) {
	return func(context.Context, int) (int, string, error) { return code, "", nil }
}

type harness struct {
	*Publisher
	t       *testing.T
	store   *storeStub
	set     *Set
	counter *Counter
	logged  []string
	handler func(context.Context) (*response, error)
	fail    error // what the handler returns
}

// newHarness opens a publisher without a Runtime API, which so publishes at the end of every
// invocation, and wraps a handler that counts.
func newHarness(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	h := &harness{t: t, store: &storeStub{}, set: new(Set)}
	var err error
	if h.counter, err = h.set.Counter("hits"); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		URL: "http://store.test:8086", Function: "f", Instance: "i", Set: h.set, Transport: h.store,
		Log: func(m string) { h.logged = append(h.logged, m) },
	}
	if change != nil {
		change(&cfg)
	}
	if h.Publisher, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	h.handler = h.Wrap(func() error {
		h.counter.Inc()
		time.Sleep(5 * time.Millisecond)
		return h.fail
	}).(func(context.Context) (*response, error))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = h.Close(ctx) // the test has seen what it wanted to
	})
	return h
}

// invoke is one invocation as aws-lambda-go makes it, with a deadline as far away as the timeout.
func (h *harness) invoke(timeout time.Duration) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	resp, err := h.handler(ctx)
	if !errors.Is(err, h.fail) {
		h.t.Errorf("the handler returned %v", err)
	}
	if err == nil {
		if b, err := io.ReadAll(resp); err != nil || string(b) != "null" {
			h.t.Errorf("the response is %q, %v", b, err)
		}
		if err := resp.Close(); err != nil {
			h.t.Error(err)
		}
	}
	cancel()
}

// field is the value of a field of the last point of a measurement.
func field(body, measurement, name string) string {
	value := ""
	for l := range strings.Lines(body) {
		if !strings.HasPrefix(l, measurement+",") {
			continue
		}
		for _, f := range strings.Split(strings.Fields(l)[1], ",") {
			if k, v, _ := strings.Cut(f, "="); k == name {
				value = v
			}
		}
	}
	return value
}

// checkStamps checks that times strictly increase within every series.
func checkStamps(t *testing.T, bodies []string) {
	t.Helper()
	last := map[string]string{}
	for _, b := range bodies {
		for l := range strings.Lines(b) {
			f := strings.Fields(l)
			series, at := f[0], f[len(f)-1]
			if at <= last[series] {
				t.Errorf("%s: %s comes after %s", series, at, last[series])
			}
			last[series] = at
		}
	}
}
