package apigateway

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestAPIsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Invoker: answer(`"ok"`)})
	must(t, err)
	api := newTestAPI(t, s, "GET /")
	other := newTestAPI(t, s, "GET /")
	before := []string{s.Endpoint(api.APIID), s.Endpoint(other.APIID)}
	// No Close: what is left is what a kill leaves, but for the ports.
	for _, a := range s.apis {
		must(t, a.server.Close())
	}
	// A process that is being started at this moment may have the listeners for as long as that takes.
	for _, endpoint := range before {
		free := func() bool {
			l, err := net.Listen("tcp4", strings.TrimPrefix(endpoint, "http://"))
			return err == nil && l.Close() == nil
		}
		for n := 0; !free() && n < 1000; n++ {
			time.Sleep(10 * time.Millisecond)
		}
	}
	must(t, os.WriteFile(dir+"/.half-123", []byte("{"), 0o600))
	again := openService(t, Config{Dir: dir, Invoker: answer(`"ok"`)})
	if diff := cmp.Diff(before, []string{again.Endpoint(api.APIID), again.Endpoint(other.APIID)}); diff != "" {
		t.Error(diff)
	}
	if _, body := get(t, "GET", again.Endpoint(api.APIID)+"/", nil); body != "ok" {
		t.Errorf("after the restart: %s", body)
	}
	if diff := cmp.Diff(s.ListAPIs(), again.ListAPIs()); diff != "" {
		t.Error(diff)
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	fixed := openService(t, Config{Invoker: answer(`1`), Port: port, PortFixed: true})
	if _, err := fixed.CreateAPI(APIInput{Name: "a", ProtocolType: "HTTP"}); err == nil || !strings.Contains(err.Error(), "port "+strconv.Itoa(port)+" is taken") {
		t.Errorf("a fixed port that is taken: %v", err)
	}
	if len(fixed.ListAPIs()) != 0 {
		t.Error("the API that has no port is there")
	}
	var moved []PortMoved
	s := openService(t, Config{Invoker: answer(`1`), Port: port, Events: func(e Event) {
		if e, ok := e.(PortMoved); ok {
			moved = append(moved, e)
		}
	}})
	first := newTestAPI(t, s)
	second := newTestAPI(t, s)
	if len(moved) != 1 || moved[0].APIID != first.APIID || moved[0].Wanted != port || moved[0].Got == port {
		t.Errorf("moved: %+v", moved)
	}
	if first.APIEndpoint == second.APIEndpoint {
		t.Error("two APIs have one address")
	}
}

func TestDeletingAnAPIWaitsForItsRequests(t *testing.T) {
	t.Parallel()
	entered, release := make(chan bool), make(chan bool)
	s := openService(t, Config{Invoker: invokeFunc(func(context.Context, Call) (Result, error) {
		entered <- true
		<-release
		return Result{Payload: []byte(`"late"`)}, nil
	})})
	api := newTestAPI(t, s, "GET /")
	url := s.Endpoint(api.APIID)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, body := get(t, "GET", url+"/", nil); body != "late" {
			t.Errorf("the request in flight got %q", body)
		}
	})
	<-entered
	deleted := make(chan error)
	go func() { deleted <- s.DeleteAPI(context.Background(), api.APIID) }()
	select {
	case <-deleted:
		t.Error("the API was gone before its request had ended")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	must(t, <-deleted)
	wg.Wait()
	if _, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
		t.Error("somebody still listens")
	}
	if _, err := s.GetAPI(api.APIID); awsproto.From(err).Status != 404 {
		t.Errorf("GetAPI: %v", err)
	}
}

func TestMiddlewareGuardsTheListener(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`), Middleware: func(h http.Handler, _ func(*http.Request) bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Origin") != "" {
				w.WriteHeader(403)
				return
			}
			h.ServeHTTP(w, r)
		})
	}})
	api := newTestAPI(t, s, "GET /")
	if res, _ := get(t, "GET", s.Endpoint(api.APIID)+"/", nil, "Origin", "http://evil.example"); res.StatusCode != 403 {
		t.Errorf("%d", res.StatusCode)
	}
	if res, _ := get(t, "GET", s.Endpoint(api.APIID)+"/", nil); res.StatusCode != 200 {
		t.Errorf("%d", res.StatusCode)
	}
}
