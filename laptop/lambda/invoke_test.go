package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestInvoke(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	out, err := s.Invoke(t.Context(), InvokeInput{
		Function: "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST", Payload: []byte(`{"do":"context"}`),
		ClientContext: `{"custom":{"k":"v"}}`, TraceID: "Root=1-2-3",
	})
	if err != nil || out.FunctionError != "" {
		t.Fatalf("%v %s", err, out.Payload)
	}
	var got struct {
		ID, ARN, Client, Trace string
		Left                   int64
	}
	if err := json.Unmarshal(out.Payload, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != out.RequestID || got.ARN != "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST" || got.Client != "v" || got.Trace != "Root=1-2-3" {
		t.Errorf("the function saw %+v", got)
	}
	if got.Left <= 0 || got.Left > 20_000 {
		t.Errorf("%d ms until the deadline, of a timeout of 20 s", got.Left)
	}
	if out.ExecutedVersion != "$LATEST" || out.TraceID != "Root=1-2-3" {
		t.Errorf("got %+v", out)
	}
}

func TestInvokeErrors(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	f := func(in InvokeInput, code string, status int) {
		t.Helper()
		_, err := s.Invoke(t.Context(), in)
		if e := awsproto.From(err); e.Code != code || e.Status != status {
			t.Errorf("%s: %v, want %s %d", in.Function, err, code, status)
		}
	}
	f(InvokeInput{Function: "nobody"}, "ResourceNotFoundException", 404)
	f(InvokeInput{Function: "hello:7"}, "ResourceNotFoundException", 404)
	f(InvokeInput{Function: "hello", Payload: make([]byte, 6<<20+1)}, "RequestTooLargeException", 413)
	f(InvokeInput{Function: "hello", Principal: "apigateway.amazonaws.com"}, "AccessDeniedException", 403)
	if n := stats(t, s, "hello").Invocations; n != 0 {
		t.Errorf("%d invocations were counted, and there was none", n)
	}
}

func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t))
	n := int64(0)
	f := func(payload, kind, message string, survives bool, log ...string) {
		t.Helper()
		before := pidOf(t, call(t, s, `{}`))
		n++
		settled(t, s, "hello")
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(payload), LogTail: true})
		if err != nil || out.FunctionError != "Unhandled" {
			t.Fatalf("%s: %v %q %s", payload, err, out.FunctionError, out.Payload)
		}
		n++
		var got struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal(out.Payload, &got); err != nil {
			t.Fatal(err)
		}
		message = strings.ReplaceAll(message, "ID", out.RequestID)
		if got.ErrorType != kind || got.ErrorMessage != message {
			t.Errorf("%s: %s\nwant %q %q", payload, out.Payload, kind, message)
		}
		for _, want := range log {
			if want = strings.ReplaceAll(want, "ID", out.RequestID); !strings.Contains(string(out.LogTail), want) {
				t.Errorf("%s: %q is not in the log:\n%s", payload, want, out.LogTail)
			}
		}
		if !survives {
			eventually(t, "the end of the process", func() bool { return !alive(before) })
		} else {
			settled(t, s, "hello")
			if got := pidOf(t, call(t, s, `{}`)); got != before {
				t.Errorf("%s: the environment was reset", payload)
			}
			n++
		}
		settled(t, s, "hello")
		if e := stats(t, s, "hello"); e.Invocations != n {
			t.Errorf("%s: %d invocations counted, want %d", payload, e.Invocations, n)
		}
	}
	f(`{"do":"error","text":"no luck"}`, "errorString", "no luck", true,
		`{"errorMessage":"no luck","errorType":"errorString"}`, "\tMemory Limit: ")
	f(`{"do":"panic","text":"oh"}`, "string", "oh", false,
		"RequestId: ID Error: Runtime exited with error: exit status 1\nRuntime.ExitError\nEND RequestId: ID\n", "Status: error\tError Type: Runtime.ExitError\t")
	f(`{"do":"exit","status":7}`, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7", false,
		"RequestId: ID Error: Runtime exited with error: exit status 7\nRuntime.ExitError\nEND RequestId: ID\n", "Status: error\tError Type: Runtime.ExitError")
	f(`{"do":"exit"}`, "Runtime.ExitError", "RequestId: ID Error: Runtime exited without providing a reason", false,
		"RequestId: ID Error: Runtime exited without providing a reason\nRuntime.ExitError\n", "Status: error\tError Type: Runtime.ExitError\t")
	f(`{"do":"kill"}`, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: signal: killed", false,
		"RequestId: ID Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n", "Status: error\tError Type: Runtime.ExitError\t")
	f(`{"do":"signal","status":11}`, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: signal: segmentation fault", false,
		"RequestId: ID Error: Runtime exited with error: signal: segmentation fault\nRuntime.ExitError\n", "Status: error\tError Type: Runtime.ExitError\t")
	f(`{"do":"big","bytes":6300000}`, "Function.ResponseSizeTooLarge",
		"Response payload size exceeded maximum allowed payload size (6291556 bytes).", false)
	if got := stats(t, s, "hello").Errors; got != 7 {
		t.Errorf("%d errors counted, want 7", got)
	}
	if len(call(t, s, `{"do":"big","bytes":6291000}`)) != 6291002 {
		t.Error("a response just below the limit did not come whole")
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	marker := filepath.Join(t.TempDir(), "sigterm")
	for _, extension := range []string{"", "0s"} {
		in := hello(t, func(in *FunctionInput) {
			in.Name += extension
			in.Timeout = time.Second
			in.Environment = map[string]string{"EXTENSION": extension, "SIGTERM_FILE": marker + extension}
		})
		create(t, s, in)
		invoke := func(payload string) InvokeOutput {
			out, err := s.Invoke(t.Context(), InvokeInput{Function: in.Name, Payload: []byte(payload), LogTail: true})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		before := pidOf(t, invoke(`{}`).Payload)
		out := invoke(`{"ms":60000}`)
		want := `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + out.RequestID + ` Error: Task timed out after 1.00 seconds"}`
		if string(out.Payload) != want || out.FunctionError != "Unhandled" {
			t.Errorf("got  %s\nwant %s", out.Payload, want)
		}
		if !regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `+out.RequestID+` Task timed out after 1.00 seconds$`).Match(out.LogTail) ||
			!strings.Contains(string(out.LogTail), "\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\t") || !strings.Contains(string(out.LogTail), "Status: timeout") {
			t.Errorf("the log does not tell of the timeout:\n%s", out.LogTail)
		}
		eventually(t, "the end of the process", func() bool { return !alive(before) })
		_, err := os.Stat(marker + extension)
		if told := err == nil; told != (extension != "") {
			t.Errorf("extension %q: SIGTERM seen: %v", extension, told)
		}
		if after := pidOf(t, invoke(`{}`).Payload); after == before {
			t.Error("the environment lived on")
		}
		if got := stats(t, s, in.Name); got.Timeouts != 1 || got.Errors != 1 || got.Invocations != 3 || got.Started != 2 {
			t.Errorf("counted %+v", got)
		}
	}
}

func TestContextEndsTheWaitNotTheInvocation(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	call(t, s, `{}`)
	done := filepath.Join(t.TempDir(), "go")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := s.Invoke(ctx, InvokeInput{Function: "hello", Payload: []byte(`{"do":"wait","text":"` + done + `"}`)})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
	eventually(t, "a busy environment", func() bool { return stats(t, s, "hello").Invocations == 2 })
	cancel()
	wg.Wait()
	if got := stats(t, s, "hello"); got.Busy != 1 {
		t.Errorf("counted %+v, want one busy", got)
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the invocation", func() bool { return stats(t, s, "hello").Busy == 0 })
}
