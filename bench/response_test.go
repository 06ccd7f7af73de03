package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An environment is one process and Lambda's two APIs for it, which hold back the next invocation
// until the runtime and the extension, if there is one, have asked for it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
type environment struct {
	runtime, extension chan http.ResponseWriter // who has asked; the handler waits for done
	runtimeDone        chan struct{}
	extensionDone      chan struct{}
	answered           chan struct{}
	registered         atomic.Bool
	served             int
	waiting, listening http.ResponseWriter // the runtime's and the extension's, when they have asked
}

func newEnvironment(b *testing.B, program, store string) *environment {
	b.Helper()
	e := &environment{
		runtime: make(chan http.ResponseWriter), extension: make(chan http.ResponseWriter),
		runtimeDone: make(chan struct{}), extensionDone: make(chan struct{}), answered: make(chan struct{}),
	}
	ask := func(r *http.Request, w http.ResponseWriter, asked chan http.ResponseWriter, done chan struct{}) {
		select {
		case asked <- w:
		case <-r.Context().Done():
			return
		}
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/extension/register"):
			e.registered.Store(true)
			w.Header().Set("Lambda-Extension-Identifier", "id")
			fmt.Fprint(w, "{}")
		case strings.HasSuffix(path, "/extension/event/next"):
			ask(r, w, e.extension, e.extensionDone)
		case strings.HasSuffix(path, "/invocation/next"):
			ask(r, w, e.runtime, e.runtimeDone)
		case strings.HasSuffix(path, "/response"):
			_, _ = io.Copy(io.Discard, r.Body) // its length is not what is measured
			e.answered <- struct{}{}
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	c := exec.Command(program)
	c.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "EPHOR_STORE_URL=" + store, "AWS_LAMBDA_FUNCTION_NAME=f"}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Kill() // it waits for an event that never comes
		_ = c.Wait()
		api.Close()
	})
	return e
}

// settle waits until the environment has nothing left to do: until both have asked.
func (e *environment) settle() {
	if e.waiting == nil {
		e.waiting = <-e.runtime
	}
	if e.registered.Load() && e.listening == nil {
		e.listening = <-e.extension
	}
}

// invoke is the time from an invocation's event until its response has come, in microseconds. What
// the environment does after that is not in it, but it is waited for.
func (e *environment) invoke() float64 {
	e.settle()
	deadline := time.Now().Add(time.Minute).UnixMilli()
	e.served++
	e.waiting.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint(e.served))
	e.waiting.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(deadline))
	start := time.Now()
	fmt.Fprint(e.waiting, "{}")
	e.runtimeDone <- struct{}{}
	if e.listening != nil {
		fmt.Fprintf(e.listening, `{"eventType":"INVOKE","deadlineMs":%d}`, deadline)
		e.extensionDone <- struct{}{}
	}
	<-e.answered
	took := float64(time.Since(start)) / float64(time.Microsecond)
	e.waiting, e.listening = nil, nil
	e.settle()
	return took
}

// BenchmarkResponse is what the publisher adds to the time until a response is there: a bare handler
// and one that counts and publishes, by turns.
func BenchmarkResponse(b *testing.B) {
	_, paths := programs(b)
	var batches atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // as a store would read it
		batches.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer store.Close()
	bare, ours := newEnvironment(b, paths["bare"], store.URL), newEnvironment(b, paths["ephor"], store.URL)
	var off, on []float64
	for range 20 {
		bare.invoke()
		ours.invoke()
	}
	for b.Loop() {
		off = append(off, bare.invoke())
		on = append(on, ours.invoke())
	}
	if !ours.registered.Load() || bare.registered.Load() || int(batches.Load()) < b.N {
		b.Errorf("%d batches of %d invocations; registered: %v", batches.Load(), b.N, ours.registered.Load())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(off), "off-p50-µs")
	b.ReportMetric(median(on), "on-p50-µs")
	b.ReportMetric(median(on)/median(off), "times")
}
