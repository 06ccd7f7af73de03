package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An environment is one process and Lambda's two APIs for it, which hold back the next invocation
// until the runtime and the extension, if there is one, have asked for it. The APIs are written by
// hand, so that as little as possible of what is measured is their own: an answer is one write.
//
// Who does what, and in which order, is that of AWS's own code: every connection has a goroutine, which waits
// where its request asks for an event. One more has the invocation. It releases first the extension, then the
// runtime, and waits for the response; each of the released writes its own event, at the same time as the other
// where there are processors for it. See doInvoke, Release and RenderAgentEvent in
// https://github.com/aws/aws-lambda-runtime-interface-emulator/tree/4fa21571526087e3a0076b9fecf67a79e3927994/internal/lambda
//
//	invocation  release ─ release ─ waits ───────────────────────────────────┐
//	extension     └──────────┼─────→ writes its event, waits for its next    │
//	runtime                  └─────→ writes its event ··· reads the response ┘
//
// The clock starts before the first release and stops when the response has been read.
type environment struct {
	b                  *testing.B
	runtime, extension poller
	registered         atomic.Bool
	responses          chan response
	failures           chan error
	served             int
}

// A poller is the runtime or the extension, which asks for events.
type poller struct {
	asked chan struct{}   // it waits for its next event
	event chan invocation // what releases it
	ready bool            // it has been noticed that it waits
}

func newPoller() poller {
	return poller{asked: make(chan struct{}, 1), event: make(chan invocation, 1)}
}

// An invocation is what both are told of.
type invocation struct {
	id       int
	deadline int64 // milliseconds since 1970
}

// A response is when it had come, and of which invocation.
type response struct {
	at   time.Time
	path string
}

// A caller is a connection of the process.
type caller struct {
	net.Conn
	in *bufio.Reader
}

// request reads the next request with its body.
func (c *caller) request() (*http.Request, error) {
	r, err := http.ReadRequest(c.in)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err
}

// answer writes an answer; header has its lines with their ends.
func (c *caller) answer(status int, header, body string) error {
	_, err := c.Write(fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n%s\r\n%s", status, http.StatusText(status), len(body), header, body))
	return err
}

func newEnvironment(b *testing.B, program, store string, start func(*testing.B, *exec.Cmd) error) *environment {
	b.Helper()
	e := &environment{b: b, runtime: newPoller(), extension: newPoller(), responses: make(chan response, 1), failures: make(chan error, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if err := e.serve(&caller{conn, bufio.NewReader(conn)}); err != nil {
					select {
					case e.failures <- err:
					default: // the first one is told
					}
				}
			}()
		}
	}()
	c := exec.Command(program)
	c.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "EPHOR_STORE_URL=" + store, "AWS_LAMBDA_FUNCTION_NAME=f"}
	if err := start(b, c); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Kill() // it waits for an event that never comes
		_ = c.Wait()
		l.Close()
	})
	return e
}

// serve answers the requests of a connection until its process has ended.
func (e *environment) serve(c *caller) error {
	for {
		r, err := c.request()
		if err != nil {
			return fmt.Errorf("the process has gone: %w", err)
		}
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/extension/register"):
			e.registered.Store(true)
			err = c.answer(http.StatusOK, "Lambda-Extension-Identifier: id\r\n", "{}")
		case strings.HasSuffix(path, "/extension/event/next"):
			e.extension.asked <- struct{}{}
			inv := <-e.extension.event
			err = c.answer(http.StatusOK, "", fmt.Sprintf(`{"eventType":"INVOKE","deadlineMs":%d}`, inv.deadline))
		case strings.HasSuffix(path, "/invocation/next"):
			e.runtime.asked <- struct{}{}
			inv := <-e.runtime.event
			err = c.answer(http.StatusOK, fmt.Sprintf("Lambda-Runtime-Aws-Request-Id: %d\r\nLambda-Runtime-Deadline-Ms: %d\r\n", inv.id, inv.deadline), "{}")
		case strings.HasSuffix(path, "/response"):
			e.responses <- response{time.Now(), path}
			err = c.answer(http.StatusAccepted, "", "")
		default:
			err = c.answer(http.StatusNotFound, "", "")
		}
		if err != nil {
			return err
		}
	}
}

// settle waits until the environment has nothing left to do: until both have asked.
func (e *environment) settle() {
	await := func(a *poller) {
		if a.ready {
			return
		}
		select {
		case <-a.asked:
			a.ready = true
		case err := <-e.failures:
			e.b.Fatal(err)
		case <-time.After(time.Minute):
			e.b.Fatal("the process asks for no event")
		}
	}
	await(&e.runtime)
	if e.registered.Load() {
		await(&e.extension)
	}
}

// invoke is the time from the beginning of an invocation until its response has come, in microseconds. What
// the environment does after that is not in it, but it is waited for.
func (e *environment) invoke() float64 {
	e.settle()
	e.served++
	inv := invocation{e.served, time.Now().Add(time.Minute).UnixMilli()}
	start := time.Now()
	if e.extension.ready {
		e.extension.ready = false
		e.extension.event <- inv
	}
	e.runtime.ready = false
	e.runtime.event <- inv
	select {
	case r := <-e.responses:
		if want := fmt.Sprintf("/invocation/%d/response", inv.id); !strings.HasSuffix(r.path, want) {
			e.b.Fatalf("the answer is for %s, not %s", r.path, want)
		}
		e.settle()
		return float64(r.at.Sub(start)) / float64(time.Microsecond)
	case err := <-e.failures:
		e.b.Fatal(err)
	}
	return 0
}
