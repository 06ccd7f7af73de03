package lambda

import (
	"encoding/json"
	"path/filepath"
	"runtime"
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
	both := func(kind string) string {
		return "Phase: init\tStatus: error\tError Type: " + kind + "\nINIT_REPORT Init Duration: "
	}
	f(withInit("exit"), "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3", both("Runtime.ExitError"))
	f(withInit("error"), "Runtime.NoConfig", "no configuration", "Phase: invoke\tStatus: error\tError Type: Runtime.NoConfig")
	hang := withInit("hang")
	hang.Timeout = time.Second
	f(hang, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 1.00 seconds", "Phase: invoke\tStatus: timeout")
	if all := join(r.lines()); !strings.Contains(all, "\tDuration: 1000.00 ms\t") {
		t.Errorf("the duration is not the timeout:\n%s", all)
	}
	f(withCode(map[string]file{"main": {0o755, nil}}), "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", "Error Type: Runtime.InvalidEntrypoint")
	f(withCode(map[string]file{"bootstrap": {0o755, []byte("#!/no/such/interpreter\n")}}), "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: fork/exec /var/task/bootstrap: no such file or directory", both("Runtime.InvalidEntrypoint"))
	f(withCode(map[string]file{"bootstrap": {0o644, []byte("#!/bin/sh\n")}}), "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: fork/exec /var/task/bootstrap: permission denied", "Error Type: Runtime.InvalidEntrypoint")
	other, number, architecture := "arm64", byte(183), "arm64"
	if runtime.GOARCH == "arm64" {
		other, number, architecture = "amd64", 62, "x86_64"
	}
	foreign := withCode(map[string]file{"bootstrap": {0o755, append([]byte("\x7fELF\x02\x01\x01123456789\x02\x00"), number, 0, 0)}})
	foreign.Architecture = architecture
	f(foreign, "Runtime.InvalidEntrypoint",
		"RequestId: ID Error: fork/exec /var/task/bootstrap: exec format error",
		"ephor: bootstrap is a program for linux/"+other+", and this machine is "+runtime.GOOS+"/"+runtime.GOARCH+": build it with GOOS=")
}

// TestInitIsTriedAgain lets the first init phase fail and the second succeed: that one is a part of
// the invocation, in its duration and in its time limit.
func TestInitIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add, initTimeout: 2 * time.Second})
	for _, how := range []string{"exit", "hang"} {
		create(t, s, hello(t, func(in *FunctionInput) {
			in.Name = how
			in.Environment = map[string]string{"INIT": how, "INIT_ONCE": filepath.Join(t.TempDir(), "once"), "INIT_MS": "300"}
		}))
		out, err := s.Invoke(t.Context(), InvokeInput{Function: how, Payload: []byte(`{"do":"context"}`), LogTail: true})
		if err != nil || out.FunctionError != "" {
			t.Fatalf("%v %s", err, out.Payload)
		}
		var got struct{ Left int }
		if err := json.Unmarshal(out.Payload, &got); err != nil || got.Left > 19_700 || got.Left <= 0 {
			t.Errorf("%s: of 20 s the second init, of 300 ms, has left %d ms (%v)", how, got.Left, err)
		}
		if report := string(out.LogTail); strings.Contains(report, "Init Duration") {
			t.Errorf("%s: the second init counts for itself: %s", how, report)
		}
		settled(t, s, how)
		if all := eventsOf[InvocationDone](r); all[len(all)-1].Duration < 300*time.Millisecond {
			t.Errorf("%s: a duration of %v, without the second init", how, all[len(all)-1].Duration)
		}
		if got := stats(t, s, how); got.Started != 1 || got.Running != 1 || got.InitErrors != 0 {
			t.Errorf("%s: counted %+v", how, got)
		}
	}
	started := eventsOf[EnvironmentStarted](r)
	if len(started) != 4 || started[0].Stream != started[1].Stream || started[0].PID == started[1].PID {
		t.Errorf("one environment has two processes, one after the other: %+v", started)
	}
	if all := join(r.lines()); strings.Count(all, "Phase: init\tStatus: error\tError Type: Runtime.ExitError") != 1 ||
		strings.Count(all, "Phase: init\tStatus: timeout") != 1 || strings.Contains(all, "Phase: invoke") {
		t.Errorf("log:\n%s", all)
	}
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
