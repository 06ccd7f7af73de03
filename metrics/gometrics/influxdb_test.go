package gometrics

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gm "github.com/rcrowley/go-metrics"

	"github.com/ephor-io/ephor/metrics"
)

// What SpartaGrafana's program did: it started this as a goroutine, and then registered.
func TestInfluxDBWithTags(t *testing.T) {
	t.Parallel()
	store := new(storeStub)
	server := httptest.NewServer(store)
	defer server.Close()
	registry := gm.NewRegistry()
	c := fromArguments(server.URL, "lambda", "user", "secret")
	c.FlushTimeout = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		publishEvery(ctx, new(metrics.Set), registry, 5*time.Millisecond, c, map[string]string{"lambda": "λ-7"})
	}()
	hellos := gm.NewCounter()
	if err := registry.Register("HelloWorld", hellos); err != nil {
		t.Fatal(err)
	}
	count := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			for _, body := range store.sent() {
				if slices.ContainsFunc(measured(body), func(p string) bool {
					return strings.HasPrefix(p, "HelloWorld,instance=") && strings.HasSuffix(p, want) && strings.Contains(p, "lambda=λ-7")
				}) {
					if !strings.HasPrefix(body, "db=lambda&precision=ns Basic dXNlcjpzZWNyZXQ=\n") {
						t.Errorf("sent %q", body)
					}
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("no %q in %q", want, store.sent())
			}
		}
	}
	hellos.Inc(1)
	count("total=1i")
	hellos.Inc(2)
	count("count=2i,total=3i")
	hellos.Inc(1)
	cancel()
	<-done
	count("total=4i") // in the last batch, if no tick came before
}

// Whoever comes second finds the publisher of the first.
func TestInfluxDBBesideAPublisher(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	registry := gm.NewRegistry()
	gm.NewRegisteredCounter("c", registry).Inc(3)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		publishEvery(ctx, h.set, registry, time.Hour, metrics.Config{URL: "http://nowhere.test"}, nil)
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if points := h.flush(); len(points) > 0 {
			check(t, "the first one's", points, "c count=3i,total=3i")
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is published")
		}
	}
	cancel()
	<-done
}
