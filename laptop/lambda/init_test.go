package lambda

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestInitFailures(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add, initTimeout: 2 * time.Second})
	create(t, s, hello(t))
	withInit := func(what string) FunctionInput {
		return hello(t, func(in *FunctionInput) { in.Environment = map[string]string{"INIT": what} })
	}
	withCode := func(files map[string]file) FunctionInput {
		data, err := zipOf(files)
		if err != nil {
			t.Fatal(err)
		}
		return hello(t, func(in *FunctionInput) { in.Code.ZipFile = data })
	}
	failures := int64(0)
	f := func(in FunctionInput, kind, message, log string) {
		t.Helper()
		if _, err := s.UpdateFunction(t.Context(), "hello", in); err != nil {
			t.Fatal(err)
		}
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", LogTail: true})
		if err != nil || out.FunctionError != "Unhandled" {
			t.Fatalf("%v %q %s", err, out.FunctionError, out.Payload)
		}
		failures++
		var got struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal(out.Payload, &got); err != nil {
			t.Fatal(err)
		}
		message = strings.ReplaceAll(message, "ID", out.RequestID)
		if got.ErrorType != kind || got.ErrorMessage != message {
			t.Errorf("%s\nwant %q %q", out.Payload, kind, message)
		}
		if all := join(r.lines()); !strings.Contains(all, log) {
			t.Errorf("%q is not in the log:\n%s", log, all)
		}
		if !strings.Contains(string(out.LogTail), "REPORT RequestId: "+out.RequestID) {
			t.Errorf("the log's tail has no report:\n%s", out.LogTail)
		}
		// The next request gets a fresh environment, of what works again.
		if _, err := s.UpdateFunction(t.Context(), "hello", hello(t)); err != nil {
			t.Fatal(err)
		}
		call(t, s, `{}`)
		if got := stats(t, s, "hello"); got.InitErrors != failures || got.Errors != 0 {
			t.Errorf("counted %+v", got)
		}
	}
	f(withInit("exit"), "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3", "Phase: init\tStatus: error\tError Type: Runtime.ExitError")
	f(withInit("error"), "Runtime.NoConfig", "no configuration", "Status: error\tError Type: Runtime.NoConfig")
	f(withInit("hang"), "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 2.00 seconds", "Phase: init\tStatus: timeout")
	f(withCode(map[string]file{"main": {0o755, nil}}), "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", "Error Type: Runtime.InvalidEntrypoint")
	f(withCode(map[string]file{"bootstrap": {0o644, []byte("#!/bin/sh\n")}}), "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: fork/exec /var/task/bootstrap: permission denied", "Error Type: Runtime.InvalidEntrypoint")
	f(withCode(map[string]file{"bootstrap": {0o755, []byte("\x7fELF\x02\x01\x01 for another machine")}}), "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: fork/exec /var/task/bootstrap: exec format error", "Error Type: Runtime.InvalidEntrypoint")
}

func TestInitDurationIsReportedOnce(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	report := func() string {
		eventually(t, "an idle environment", func() bool { return stats(t, s, "hello").Busy == 0 })
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", LogTail: true})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.LogTail)
	}
	if first := report(); !strings.Contains(first, "Init Duration: ") {
		t.Errorf("no Init Duration in the first report: %s", first)
	}
	if second := report(); strings.Contains(second, "Init Duration: ") {
		t.Errorf("an Init Duration in the second report: %s", second)
	}
}
