package lambda

import (
	"runtime"
	"strings"
	"testing"
)

// TestArchitectureIsTheFunctions: a program that this machine could run, and the function's could not,
// fails as on Lambda, and a script runs on any.
func TestArchitectureIsTheFunctions(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the test function is no program of Linux's here: on Lambda it would run nowhere")
	}
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	other := map[string]string{"x86_64": "arm64", "arm64": "x86_64"}[hostArchitecture()]
	create(t, s, hello(t, func(in *FunctionInput) { in.Architecture = other }))
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
	if err != nil || out.ErrorType != "Runtime.InvalidEntrypoint" || !strings.Contains(string(out.Payload), "fork/exec /var/task/bootstrap: exec format error") {
		t.Errorf("%v %s", err, out.Payload)
	}
	want := "bootstrap is a program for linux/" + runtime.GOARCH + ", and the function's architecture is " + other
	if all := join(r.lines()); !strings.Contains(all, want) || !strings.Contains(all, "Architectures") {
		t.Errorf("%q is not in the log:\n%s", want, all)
	}
	create(t, s, hello(t, func(in *FunctionInput) {
		in.Name, in.Architecture, in.Code.ZipFile = "script", other, script(t, "echo I run; exit 3")
	}))
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "script"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the script's line", func() bool { return strings.Contains(join(r.lines()), "I run") })
}
