package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// What a function answers and writes is had by the commands, on this machine and by way of the
// configuration of AWS, and what was written is there after kill -9.
func TestLogsAndInvoke(t *testing.T) {
	t.Parallel()
	a, dir := shopUp(t)
	program := a.Cmd.Path
	run := commands(t, dir, a)
	if stdout, stderr := run(0, "logs"); stdout != "" || !strings.Contains(stderr, "there is no such event within 10m") {
		t.Errorf("logs before anything: %q %q", stdout, stderr)
	}

	// One that follows, in another process.
	follower := exec.Command(program, "logs", "Handle", "-f", "--filter", `?"the handler said no" ?"gave up"`, "--state", a.State)
	follower.Dir = dir
	var followed, complaints uptest.Output
	follower.Stdout, follower.Stderr = &followed, &complaints
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = follower.Process.Kill() })

	stdout, stderr := run(0, "invoke", "--event", "apigateway-v2", "--tail")
	if stdout != `"version 1"`+"\n" || !strings.Contains(stderr, "START RequestId: ") || !strings.Contains(stderr, "Handle, version $LATEST: answered in") {
		t.Errorf("invoke: %q %q", stdout, stderr)
	}
	stdout, stderr = run(1, "invoke", "Shop-Handle", "--payload", `{"pathParameters": {"what": "panic"}}`)
	if !strings.Contains(stdout, `"errorMessage":"the handler gave up"`) || !strings.Contains(stderr, "error: Handle failed: ") || !strings.Contains(stderr, "the handler gave up") {
		t.Errorf("invoke of what panics: %q %q", stdout, stderr)
	}
	event := filepath.Join(dir, "event.json")
	uptest.WriteFile(t, event, `{"pathParameters": {"what": "error"}}`)
	if _, stderr = run(1, "invoke", "--payload", "@"+event); !strings.Contains(stderr, "the handler said no") {
		t.Errorf("invoke with a file: %q", stderr)
	}
	piped := exec.Command(program, "invoke", "--payload", "-", "--state", a.State)
	piped.Dir, piped.Stdin = dir, strings.NewReader(`{"pathParameters": {"what": "error"}}`)
	if out, err := piped.CombinedOutput(); piped.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "the handler said no") {
		t.Errorf("invoke with what comes through a pipe: %v\n%s", err, out)
	}
	if _, stderr = run(1, "invoke", "Other"); !strings.Contains(stderr, "there is no function Other\n  try: one of Handle") {
		t.Errorf("invoke of what is not there: %q", stderr)
	}
	if _, stderr = run(1, "logs", "Other"); !strings.Contains(stderr, "there is no function Other\n  try: one of Handle") {
		t.Errorf("logs of what is not there: %q", stderr)
	}
	if _, stderr = run(2, "logs", "--filter", "{ $.level = }"); !strings.Contains(stderr, "--filter: Invalid filter pattern: a value is missing") {
		t.Errorf("logs with a bad pattern: %q", stderr)
	}

	uptest.Eventually(t, "the panic is followed", func() bool { return strings.Contains(followed.String(), "the handler gave up") })
	if strings.Contains(followed.String(), "START") {
		t.Errorf("the follower shows what was filtered:\n%s", &followed)
	}
	if err := follower.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := follower.Wait(); err != nil {
		t.Errorf("the follower ended with %v: %s", err, &complaints)
	}

	streams := map[string]string{} // of invocations
	count := func() (starts, reports int) {
		t.Helper()
		stdout, _ := run(0, "logs", "--json", "--filter", `?"START RequestId" ?"REPORT RequestId"`)
		for d := json.NewDecoder(strings.NewReader(stdout)); d.More(); {
			var e struct{ Function, Stream, ID, Message string }
			if err := d.Decode(&e); err != nil || e.Function != "Handle" || !strings.Contains(e.Stream, "[$LATEST]") || len(e.ID) != 56 {
				t.Fatalf("%+v, %v", e, err)
			}
			invocation := strings.Fields(e.Message)[2]
			if stream, seen := streams[invocation]; seen && stream != e.Stream {
				t.Errorf("what invocation %s wrote is in %s and in %s", invocation, stream, e.Stream)
			}
			streams[invocation] = e.Stream
			if strings.HasPrefix(e.Message, "START") {
				starts++
			} else {
				reports++
			}
		}
		return starts, reports
	}
	run(0, "invoke", "--payload", `{"pathParameters": {"what": "json"}}`)
	// An answer does not wait for its REPORT line.
	uptest.Eventually(t, "START and REPORT lines of five invocations", func() bool {
		starts, reports := count()
		return starts == 5 && reports == 5
	})
	// What is JSON is found by its members, and stays as it was written.
	uptest.Eventually(t, "a line of JSON, alone", func() bool {
		stdout, _ = run(0, "logs", "--filter", `{ $.level = "ERROR" && $.price < 2 }`)
		return strings.HasSuffix(stdout, ` {"level":"ERROR","msg":"sold out","price":1.0}`+"\n") && strings.Count(stdout, "\n") == 1
	})
	environments := map[string]bool{}
	for _, stream := range streams {
		environments[stream] = true
	}
	if len(streams) != 5 || len(environments) < 2 { // the panic ended one
		t.Errorf("the streams of the invocations are %v", streams)
	}
	inATerminal(t, dir, program+" logs --state "+a.State, "\x1b[2mSTART RequestId: ", "\x1b[31m")
	if stdout, _ := run(0, "logs"); strings.Contains(stdout, "\x1b") {
		t.Errorf("colours go into a pipe:\n%s", stdout)
	}
	// The same path leads to AWS, wherever the configuration says that it is.
	c := exec.Command(program, "logs", "--target", "aws", "--filter", "REPORT")
	c.Dir = dir
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+a.Endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if out, err := c.CombinedOutput(); err != nil || strings.Count(string(out), "REPORT RequestId") != 5 {
		t.Errorf("logs --target aws: %v\n%s", err, out)
	}
	c = exec.Command(program, "invoke", "--target", "aws", "--payload", "@"+event)
	c.Dir = dir
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+a.Endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if out, err := c.CombinedOutput(); c.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "the handler said no") {
		t.Errorf("invoke --target aws: %v\n%s", err, out)
	}
	c = exec.Command(program, "invoke", "--target", "aws")
	c.Dir = dir
	c.Env = append(os.Environ(), "AWS_REGION=", "AWS_DEFAULT_REGION=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if out, err := c.CombinedOutput(); c.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "no region of AWS is configured") {
		t.Errorf("invoke --target aws without a region: %v\n%s", err, out)
	}

	if stdout, stderr := run(0, "invoke", "--async"); stdout != "" || !strings.HasSuffix(stderr, "Handle: queued\n") {
		t.Errorf("invoke --async: %q %q", stdout, stderr)
	}
	uptest.Eventually(t, "START and REPORT lines of what was queued", func() bool {
		starts, reports := count()
		return starts == 7 && reports == 7
	})

	a.Stop(syscall.SIGKILL)
	if _, stderr := run(1, "logs"); !strings.Contains(stderr, "Shop is not running") {
		t.Errorf("logs without up: %q", stderr)
	}
	up(t, dir, program, a.State)
	if starts, reports := count(); starts != 7 || reports != 7 {
		t.Errorf("after kill -9: %d START and %d REPORT lines of seven invocations", starts, reports)
	}
}

// inATerminal runs a command in one, and wants what it shows to have all of these.
func inATerminal(t *testing.T, dir, command string, want ...string) {
	t.Helper()
	script, err := exec.LookPath("script")
	if err != nil || runtime.GOOS != "linux" {
		t.Log("script is not installed: apt-get install bsdutils")
		return
	}
	c := exec.Command(script, "-qec", command, "/dev/null")
	c.Dir, c.Env = dir, append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	c.Stdin = strings.NewReader("\n") // what is typed
	out, err := c.CombinedOutput()
	for _, w := range want {
		if err != nil || !strings.Contains(string(out), w) {
			t.Errorf("%s in a terminal: %v, want %q\n%q", command, err, w, out)
		}
	}
}
