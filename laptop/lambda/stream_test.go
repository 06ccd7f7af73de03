package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sink is a ResponseStream that keeps what comes, or counts it when it is much.
type sink struct {
	heads []StreamHead
	text  strings.Builder
	bytes int
	write func(p []byte) error
}

func (s *sink) Start(h StreamHead) { s.heads = append(s.heads, h) }

func (s *sink) Write(p []byte) (int, error) {
	s.bytes += len(p)
	if s.bytes < 1<<20 {
		s.text.Write(p)
	}
	if s.write != nil {
		return len(p), s.write(p)
	}
	return len(p), nil
}

func TestInvokeStream(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	run := func(to *sink, payload string) InvokeOutput {
		t.Helper()
		out, err := s.InvokeStream(t.Context(), InvokeInput{Function: "hello", Payload: []byte(payload)}, to)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	// The function sends the second piece only when the first one has arrived.
	file := filepath.Join(t.TempDir(), "go")
	to := &sink{write: func([]byte) error { return os.WriteFile(file, nil, 0o600) }}
	out := run(to, fmt.Sprintf(`{"do":"stream","text":%q}`, file))
	if out.FunctionError != "" || len(out.Payload) > 0 || to.text.String() != "onetwo" {
		t.Errorf("%+v %q", out, to.text.String())
	}
	if len(to.heads) != 1 || to.heads[0] != (StreamHead{ContentType: "text/pieces", RequestID: out.RequestID, TraceID: out.TraceID, ExecutedVersion: "$LATEST"}) {
		t.Errorf("head %+v, answer %+v", to.heads, out)
	}

	// A function that answers at once.
	to = &sink{}
	if out = run(to, `{"do":"big","bytes":3}`); out.FunctionError != "" || to.text.String() != `"xxx"` || to.heads[0].ContentType != "application/json" {
		t.Errorf("%+v %q %+v", out, to.text.String(), to.heads)
	}

	// An error in the midst, and one instead of an answer.
	to = &sink{}
	out = run(to, `{"do":"stream","status":1}`)
	if out.FunctionError != "Unhandled" || out.ErrorType != "errorString" || !strings.Contains(string(out.Payload), `"no more"`) || to.text.String() != "one" {
		t.Errorf("%+v %s %q", out, out.Payload, to.text.String())
	}
	to = &sink{}
	out = run(to, `{"do":"error","text":"no luck"}`)
	if out.FunctionError != "Unhandled" || !strings.Contains(string(out.Payload), "no luck") || len(to.heads) != 0 || to.bytes != 0 {
		t.Errorf("%+v %s %+v", out, out.Payload, to)
	}

	// A receiver that fails does not stop the function, and gets its own error back.
	broken := errors.New("broken")
	writes := 0
	to = &sink{write: func([]byte) error { writes++; return broken }}
	if _, err := s.InvokeStream(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"stream","bytes":1000000}`)}, to); err != broken || writes != 1 {
		t.Errorf("%v after %d writes", err, writes)
	}
	settled(t, s, "hello")
	if n := stats(t, s, "hello").Errors; n != 2 {
		t.Errorf("%d errors of the function, want 2", n)
	}
}

func TestInvokeStreamLimit(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Timeout = time.Minute }))
	f := func(bytes, arrive int, kind string) {
		t.Helper()
		to := &sink{}
		out, err := s.InvokeStream(t.Context(), InvokeInput{Function: "hello", Payload: fmt.Appendf(nil, `{"do":"stream","bytes":%d}`, bytes)}, to)
		if err != nil || out.ErrorType != kind || to.bytes != arrive {
			t.Errorf("%v %q %s: %d bytes, want %q %d", err, out.ErrorType, out.Payload, to.bytes, kind, arrive)
		}
	}
	f(maxStreamed-3, maxStreamed, "")
	f(maxStreamed-2, maxStreamed, "Function.ResponseSizeTooLarge")
}

func TestInvokeOfAFunctionThatStreams(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	if got := call(t, s, `{"do":"stream"}`); string(got) != "onetwo" {
		t.Errorf("got %q", got)
	}
	f := func(payload, kind, text string) {
		t.Helper()
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(payload)})
		if err != nil || out.FunctionError != "Unhandled" || out.ErrorType != kind || !strings.Contains(string(out.Payload), text) {
			t.Errorf("%s: %v %q %s", payload, err, out.ErrorType, out.Payload)
		}
	}
	f(`{"do":"stream","status":1}`, "errorString", "no more")
	f(`{"do":"stream","bytes":7000000}`, "Function.ResponseSizeTooLarge", "(6291556 bytes)")
}

func TestInvokeStreamTimeout(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Timeout = time.Second }))
	to := &sink{}
	out, err := s.InvokeStream(t.Context(), InvokeInput{Function: "hello", Payload: fmt.Appendf(nil, `{"do":"stream","text":%q}`, filepath.Join(t.TempDir(), "never"))}, to)
	if err != nil || out.ErrorType != "Sandbox.Timedout" || to.text.String() != "one" {
		t.Errorf("%v %+v %q", err, out, to.text.String())
	}
	eventually(t, "the end of the environment", func() bool { return stats(t, s, "hello").Running == 0 })
}

func TestRuntimeAPIStreaming(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	const invocation = "/2018-06-01/runtime/invocation/"
	next := func() string {
		_, _, header := h.do("GET", invocation+"next", "")
		return invocation + header.Get(headerRequestID)
	}
	h.want(400, "InvalidFunctionResponseMode")(h.do("POST", next()+"/response", "x", headerResponseMode+": flooding"))
	h.wg.Wait()
	if h.out.ErrorType != "Runtime.InvalidResponseModeHeader" || len(h.out.Payload) != 0 {
		t.Errorf("%+v", h.out)
	}
	h.invoke(`{}`)
	h.want(202, "OK")(h.do("POST", next()+"/response", "x", headerResponseMode+": streaming"))
	h.wg.Wait()
	if h.out.FunctionError != "" || string(h.out.Payload) != "x" {
		t.Errorf("%+v", h.out)
	}
	h.invoke(`{}`)
	h.want(202, "OK")(h.do("POST", next()+"/error", `{"errorMessage":"m","errorType":"T","causes":[]}`, "Content-Type: "+errorCauseType))
	h.wg.Wait()
	if h.out.ErrorType != "T" || string(h.out.Payload) != `{"errorMessage":"m","errorType":"T"}` {
		t.Errorf("%+v %s", h.out, h.out.Payload)
	}
}
