package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/functiontest"
)

var extensionProgram = sync.OnceValues(func() ([]byte, error) { return functiontest.Build("testdata/extension") })

// external gives hello external extensions of these names, which want events and do something. It
// returns the folder in which they note what they are told.
func external(t *testing.T, s *Service, do, events string, names ...string) (folder string) {
	t.Helper()
	program, err := extensionProgram()
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	opt := t.TempDir()
	if err := os.Mkdir(filepath.Join(opt, "extensions"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(opt, "extensions", name), program, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	create(t, s, hello(t, func(in *FunctionInput) {
		in.Environment = map[string]string{"EXTENSION_FOLDER": folder, "EXTENSION_DO": do, "EXTENSION_EVENTS": events}
		if do == "stay" {
			in.Environment["SIGTERM_STAY"] = filepath.Join(folder, "runtime.log")
		}
	}))
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.rev.opt = opt
	f.mu.Unlock()
	return folder
}

// notes are the lines that the extension called name has written.
func notes(t *testing.T, folder, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// noted waits for a line that contains text, and returns it.
func noted(t *testing.T, folder, name, text string) (line string) {
	t.Helper()
	eventually(t, name+" noting "+text, func() bool {
		all := notes(t, folder, name)
		i := slices.IndexFunc(all, func(l string) bool { return strings.Contains(l, text) })
		if i >= 0 {
			line = all[i]
		}
		return i >= 0
	})
	return line
}

func extensionPID(t *testing.T, folder, name string) int {
	t.Helper()
	fields := strings.Fields(noted(t, folder, name, "start "))
	pid, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestExternalExtensions(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	folder := external(t, s, "", "INVOKE SHUTDOWN", "one", "two")
	call(t, s, `{}`)
	settled(t, s, "hello")
	var pids []int
	for _, name := range []string{"one", "two"} {
		pids = append(pids, extensionPID(t, folder, name))
		start := noted(t, folder, name, "start ")
		for _, hidden := range []string{"_HANDLER=", "AWS_LAMBDA_LOG_GROUP_NAME=", "AWS_LAMBDA_LOG_STREAM_NAME=", "LAMBDA_TASK_ROOT=", "LAMBDA_RUNTIME_DIR=", "AWS_XRAY_CONTEXT_MISSING="} {
			if strings.Contains(start, hidden) {
				t.Errorf("%s is among the variables: %s", hidden, start)
			}
		}
		for _, there := range []string{"AWS_LAMBDA_RUNTIME_API=", "AWS_LAMBDA_FUNCTION_NAME=hello", "AWS_SECRET_ACCESS_KEY=", "EXTENSION_FOLDER=" + folder} {
			if !strings.Contains(start, there) {
				t.Errorf("%s is not among the variables: %s", there, start)
			}
		}
		noted(t, folder, name, `registered 200 {"functionName":"hello","functionVersion":"$LATEST","handler":"HelloWorld"}`)
		noted(t, folder, name, `again 403 {"errorMessage":"State transition from Registered to Registered failed for extension `+name+`. Error: State transition is not allowed","errorType":"Extension.InvalidExtensionState"}`)
		noted(t, folder, name, `event 200 {"eventType":"INVOKE","deadlineMs":`)
	}
	log := join(r.lines())
	for _, want := range []string{"EXTENSION\tName: one\tState: Ready\tEvents: [INVOKE, SHUTDOWN]", "EXTENSION\tName: two\tState: Ready\tEvents: [INVOKE, SHUTDOWN]", "extension starts", "extension goes on"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}

	s.SpinDown()
	for i, name := range []string{"one", "two"} {
		end := noted(t, folder, name, `"eventType":"SHUTDOWN"`)
		if !strings.Contains(end, `{"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":`) {
			t.Errorf("%s was told %s", name, end)
		}
		eventually(t, "the end of "+name, func() bool { return !alive(pids[i]) })
	}
	eventually(t, "the end of the environment", func() bool { return len(eventsOf[EnvironmentStopped](r)) == 1 })
}

func TestExternalExtensionIsWaitedForAndFrozen(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	folder := external(t, s, "slow", "INVOKE", "agent")
	call(t, s, `{}`)
	settled(t, s, "hello")
	done := eventsOf[InvocationDone](r)
	if len(done) != 1 || done[0].Duration < 300*time.Millisecond {
		t.Errorf("%+v: the extension's 300 ms are not in it", done)
	}
	pid := extensionPID(t, folder, "agent")
	awaitFreeze(t, pid)
	call(t, s, `{}`)
	settled(t, s, "hello")
	if n := strings.Count(join(notes(t, folder, "agent")), `"INVOKE"`); n != 2 {
		t.Errorf("%d INVOKE events, want 2", n)
	}
	awaitFreeze(t, pid)
	s.SpinDown() // it does not want SHUTDOWN
	eventually(t, "the end of the extension", func() bool { return !alive(pid) })
}

func TestExternalExtensionThatDoesNotLeave(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	folder := external(t, s, "stay", "SHUTDOWN", "agent")
	call(t, s, `{}`)
	settled(t, s, "hello")
	pid := extensionPID(t, folder, "agent")
	s.SpinDown()
	noted(t, folder, "agent", `"eventType":"SHUTDOWN"`)
	eventually(t, "the kill", func() bool { return !alive(pid) })
}

func TestExternalExtensionsAreToldWhy(t *testing.T) {
	t.Parallel()
	for reason, payload := range map[StopReason]string{StopTimeout: `{"ms":60000}`, StopFailure: `{"do":"exit"}`} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			s := open(t, Config{})
			folder := external(t, s, "", "SHUTDOWN", "agent")
			f, err := s.lookup("hello")
			if err != nil {
				t.Fatal(err)
			}
			f.mu.Lock()
			f.rev.cfg.Timeout = time.Second
			f.mu.Unlock()
			if out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(payload)}); err != nil || out.FunctionError == "" {
				t.Fatalf("%v %s", err, out.Payload)
			}
			noted(t, folder, "agent", fmt.Sprintf(`"shutdownReason":%q`, reason))
		})
	}
}

func TestExternalExtensionThatFails(t *testing.T) {
	t.Parallel()
	for do, want := range map[string]string{
		"exit":       `{"errorType":"Extension.Crash","errorMessage":"RequestId: ID Error: exit status 4"}`,
		"crash":      `{"errorType":"Extension.Crash","errorMessage":"RequestId: ID Error: exit status 3"}`,
		"init/error": `{"errorType":"Extension.InitError","errorMessage":"RequestId: ID Error: extension agent reported Extension.NoLuck"}`,
		"exit/error": `{"errorType":"Extension.ExitError","errorMessage":"RequestId: ID Error: extension agent reported Extension.NoLuck"}`,
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			s := open(t, Config{Events: r.add})
			folder := external(t, s, do, "INVOKE SHUTDOWN", "agent")
			out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"ms":15000}`)})
			if err != nil || string(out.Payload) != strings.ReplaceAll(want, "ID", out.RequestID) {
				t.Errorf("%v %s, want %s", err, out.Payload, want)
			}
			pid := extensionPID(t, folder, "agent")
			eventually(t, "the end of the extension", func() bool { return !alive(pid) })
			eventually(t, "the end of the environment", func() bool {
				return stats(t, s, "hello").Running == 0 && len(eventsOf[EnvironmentStopped](r)) == len(eventsOf[EnvironmentStarted](r))
			})
		})
	}
}

func TestExternalExtensionThatCannotStart(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	external(t, s, "", "", "agent")
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(f.rev.opt, "extensions", "agent"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
	if err != nil || out.ErrorType != "Extension.LaunchError" || !strings.Contains(string(out.Payload), "with the permission to be run?") {
		t.Errorf("%v %s", err, out.Payload)
	}
	if want := "EXTENSION\tName: agent\tState: LaunchError\tEvents: []\tError Type: PermissionDenied"; !strings.Contains(join(r.lines()), want) {
		t.Errorf("%q is not in the log:\n%s", want, join(r.lines()))
	}
}

func TestTooManyExternalExtensions(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	folder := external(t, s, "", "SHUTDOWN", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
	if err != nil || out.ErrorType != "Extension.LaunchError" ||
		!strings.Contains(string(out.Payload), `Error: extension k: extension limit (10) reached: leave some out of the function's layers"`) {
		t.Errorf("%v %s", err, out.Payload)
	}
	eventually(t, "the end of the environment", func() bool { return stats(t, s, "hello").Running == 0 })
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "j"} {
		// One that was ended before it could note its start has left no process ID to look for.
		noted, err := os.ReadFile(filepath.Join(folder, name+".log"))
		if err == nil && strings.Contains(string(noted), "start ") && alive(extensionPID(t, folder, name)) {
			t.Errorf("%s lives", name)
		}
	}
}

func TestExternalExtensionThatDoesNotRegister(t *testing.T) {
	t.Parallel()
	s := open(t, Config{initTimeout: 300 * time.Millisecond})
	folder := external(t, s, "hang", "", "agent")
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
	if err != nil || out.ErrorType != "Sandbox.Timedout" {
		t.Errorf("%v %s", err, out.Payload)
	}
	pid := extensionPID(t, folder, "agent")
	eventually(t, "the end of the extension", func() bool { return !alive(pid) })
	eventually(t, "the end of the environment", func() bool { return stats(t, s, "hello").Running == 0 })
}
