package bench

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An environment is one process and Lambda's two APIs for it, which hold back the next invocation
// until the runtime and the extension, if there is one, have asked for it. The APIs are written by
// hand, so that as little as possible of what is measured is their own: an event is one write on the
// connection that waits for it, and the response a request that is read from the runtime's. Lambda sends
// the runtime's event and the extension's at the same time, in no particular order: so the order is drawn,
// and the clock starts before the first of them. Where the extension's is the first, its sending is a
// part of what an extension costs.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
type environment struct {
	b                  *testing.B
	runtime, extension chan *caller // who has asked for the next event
	waiting, listening *caller      // likewise, when it has been noticed
	registered         atomic.Bool
	served             int
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
	_, err := c.Write(encode(status, header, body))
	return err
}

// encode makes the bytes of an answer.
func encode(status int, header, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n%s\r\n%s", status, http.StatusText(status), len(body), header, body)
}

func newEnvironment(b *testing.B, program, store string, start func(*testing.B, *exec.Cmd) error) *environment {
	b.Helper()
	e := &environment{b: b, runtime: make(chan *caller, 1), extension: make(chan *caller, 1)}
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
			go e.serve(&caller{conn, bufio.NewReader(conn)})
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

// serve answers a connection until it asks for an event, or its process has ended.
func (e *environment) serve(c *caller) {
	for {
		r, err := c.request()
		if err != nil {
			c.Close()
			return
		}
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/extension/register"):
			e.registered.Store(true)
			err = c.answer(http.StatusOK, "Lambda-Extension-Identifier: id\r\n", "{}")
		case strings.HasSuffix(path, "/extension/event/next"):
			e.extension <- c
			return
		case strings.HasSuffix(path, "/invocation/next"):
			e.runtime <- c
			return
		default:
			err = c.answer(http.StatusNotFound, "", "")
		}
		if err != nil {
			c.Close()
			return
		}
	}
}

// settle waits until the environment has nothing left to do: until both have asked.
func (e *environment) settle() {
	await := func(c **caller, asked chan *caller) {
		if *c != nil {
			return
		}
		select {
		case *c = <-asked:
		case <-time.After(time.Minute):
			e.b.Fatal("the process asks for no event")
		}
	}
	await(&e.waiting, e.runtime)
	if e.registered.Load() {
		await(&e.listening, e.extension)
	}
}

// invoke is the time from the first event of an invocation until its response has come, in microseconds. What
// the environment does after that is not in it, but it is waited for.
func (e *environment) invoke() float64 {
	e.settle()
	e.served++
	deadline := time.Now().Add(time.Minute).UnixMilli()
	header := fmt.Sprintf("Lambda-Runtime-Aws-Request-Id: %d\r\nLambda-Runtime-Deadline-Ms: %d\r\n", e.served, deadline)
	type write struct {
		to    *caller
		bytes []byte
	}
	writes := []write{{e.waiting, encode(http.StatusOK, header, "{}")}}
	if e.listening != nil {
		event := fmt.Sprintf(`{"eventType":"INVOKE","deadlineMs":%d}`, deadline)
		writes = append(writes, write{e.listening, encode(http.StatusOK, "", event)})
		if rand.IntN(2) == 0 {
			slices.Reverse(writes)
		}
	}
	check := func(err error) {
		if err != nil {
			e.b.Fatal(err)
		}
	}
	start := time.Now()
	for _, w := range writes {
		_, err := w.to.Write(w.bytes)
		check(err)
	}
	r, err := e.waiting.request()
	took := float64(time.Since(start)) / float64(time.Microsecond)
	check(err)
	if !strings.HasSuffix(r.URL.Path, "/response") {
		e.b.Fatalf("the answer is a %s %s", r.Method, r.URL.Path)
	}
	check(e.waiting.answer(http.StatusAccepted, "", ""))
	go e.serve(e.waiting)
	if e.listening != nil {
		go e.serve(e.listening)
	}
	e.waiting, e.listening = nil, nil
	e.settle()
	return took
}
