package lambda

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/ephor-io/ephor/internal/functiontest"
)

var misbehavingProgram = sync.OnceValues(func() ([]byte, error) { return functiontest.Build("testdata/misbehaving") })

// A compiled function with a loop of its own, which does what aws-lambda-go's never does. It is refused as
// Lambda refuses it, its callers get what they should, and it goes on: but for an answer that is too
// large, one for each event, in one environment.
func TestARuntimeThatMisbehaves(t *testing.T) {
	t.Parallel()
	program, err := misbehavingProgram()
	if err != nil {
		t.Fatal(err)
	}
	zip, err := zipOf(map[string]file{"bootstrap": {0o755, program}})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) {
		in.Code.ZipFile = zip
	}))
	invoke := func(do string) InvokeOutput {
		t.Helper()
		settled(t, s, "hello")
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"` + do + `"}`)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	// wants are what it was told since it was last asked.
	wants := func(want ...string) {
		t.Helper()
		out := invoke("report")
		var told []string
		if err := json.Unmarshal(out.Payload, &told); err != nil || len(told) != len(want) {
			t.Fatalf("%s %s (%v), want %q", out.FunctionError, out.Payload, err, want)
		}
		for i, text := range told {
			if !strings.HasPrefix(text, want[i][:strings.Index(want[i], "|")]) || !strings.Contains(text, want[i][strings.Index(want[i], "|")+1:]) {
				t.Errorf("told %q, want %q", text, want[i])
			}
		}
	}
	wants("extension: 403 |Extension.TooManyExtensions", "SHUTDOWN: 403 |ShutdownEventNotSupportedForInternalExtension")
	for _, c := range []struct{ do, answer, told string }{
		{"twice", `"once"`, "twice: 403 |State transition from RuntimeResponseSentState to InvocationResponse failed"},
		{"both", `"fine"`, "both: 403 |State transition from RuntimeResponseSentState to InvocationErrorResponse failed"},
		{"stale", `"in time"`, "stale: 400 |InvalidRequestID"},
		{"unknown", `"known"`, "unknown: 400 |InvalidRequestID"},
		{"again", `"answered"`, "again: true|"},
		{"init/error", `"initialised"`, "init/error: 403 |State transition from Running to InitError failed"},
	} {
		if out := invoke(c.do); out.FunctionError != "" || string(out.Payload) != c.answer {
			t.Errorf("%s: %s %s, want %s", c.do, out.FunctionError, out.Payload, c.answer)
		}
		wants(c.told)
	}
	if out := invoke("mode"); out.ErrorType != "Runtime.InvalidResponseModeHeader" {
		t.Errorf("an answer of an unknown mode: %s %s", out.ErrorType, out.Payload)
	}
	wants("mode: 400 |InvalidFunctionResponseMode")
	const trailers = `{"errorType":"Mine","errorMessage":"no more"}`
	if out := invoke("trailers"); out.FunctionError != "Unhandled" || out.ErrorType != "Mine" || string(out.Payload) != trailers {
		t.Errorf("an error in the trailers: %s %s", out.ErrorType, out.Payload)
	}
	wants("trailers: 202 |OK")
	settled(t, s, "hello")
	to := &sink{}
	streamed, err := s.InvokeStream(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"trailers"}`)}, to)
	if err != nil || to.text.String() != "half" || streamed.ErrorType != "Mine" || string(streamed.Payload) != trailers {
		t.Errorf("an error in the trailers, streamed: %v %q %s %s", err, to.text.String(), streamed.ErrorType, streamed.Payload)
	}
	wants("trailers: 202 |OK")
	// Its next comes at once, and may do so before the end of the answer's connection is noticed.
	for range 5 {
		if out := invoke("cut"); out.ErrorType != "Runtime.TruncatedResponse" || !strings.Contains(string(out.Payload), "the response has no end") {
			t.Errorf("half an answer: %s %s", out.ErrorType, out.Payload)
		}
	}
	wants()
	settled(t, s, "hello")
	to = &sink{}
	streamed, err = s.InvokeStream(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"cut"}`)}, to)
	if err != nil || to.text.String() != "half" || streamed.ErrorType != "Runtime.TruncatedResponse" {
		t.Errorf("half an answer, streamed: %v %q %s %s", err, to.text.String(), streamed.ErrorType, streamed.Payload)
	}
	wants()
	if out := invoke("vanish"); string(out.Payload) != `"back"` {
		t.Errorf("after it had closed its connections: %s", out.Payload)
	}
	out := invoke("large")
	if want := `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`; string(out.Payload) != want || out.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("%s, want %s", out.Payload, want)
	}
	wants("large: 413 |Exceeded maximum allowed payload size (6291556 bytes).")
	if n := stats(t, s, "hello").Started; n != 1 {
		t.Errorf("%d environments, want 1", n)
	}
	if out := invoke("leave"); out.ErrorType != "Runtime.ExitError" || !strings.Contains(string(out.Payload), "Runtime exited without providing a reason") {
		t.Errorf("a runtime that leaves in the middle: %s %s", out.ErrorType, out.Payload)
	}
	wants("extension: 403 |Extension.TooManyExtensions", "SHUTDOWN: 403 |") // the reset
	if n := stats(t, s, "hello").Started; n != 2 {
		t.Errorf("%d environments, want 2", n)
	}
}
