package logs

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/awstest"
)

// awsLogs is the command `aws logs` against a service.
func awsLogs(t *testing.T, url string, args ...string) *exec.Cmd {
	t.Helper()
	c := awstest.Command(t, awstest.Program(t), url, append([]string{"logs"}, args...)...)
	c.Env = append(c.Env, "AWS_DISABLE_HOST_PREFIX_INJECTION=true")
	return c
}

// printed is what a command printed, its errors if it failed.
func printed(c *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return stderr.String(), err
	}
	return string(out), nil
}

// TestTheCommandLine drives the aws command, of version 1 or 2.
func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	s, _, url := served(t)
	w := s.OpenStream(hello, "2026/11/22/[$LATEST]aa")
	for _, line := range []string{"START RequestId: 1", `{"level":"ERROR","msg":"no"}`, `{"level":"INFO","msg":"yes"}`, "END RequestId: 1"} {
		w.Append(time.Now(), []byte(line))
	}
	w.Commit()
	expect := func(want string, args ...string) {
		t.Helper()
		if out, err := printed(awsLogs(t, url, args...)); err != nil || strings.TrimSpace(out) != want {
			t.Errorf("aws logs %q: %v\n%s\nwant\n%s", args, err, out, want)
		}
	}
	text := []string{"--output", "text", "--query"}
	expect(`{"level":"ERROR","msg":"no"}`, slices.Concat([]string{"filter-log-events", "--log-group-name", hello, "--filter-pattern", `{ $.level = "ERROR" }`}, text, []string{"events[].message"})...)
	// Two at a time: the command goes through the pages by itself, and counts each.
	expect("2\n2", slices.Concat([]string{"filter-log-events", "--log-group-name", hello, "--page-size", "2", "--log-stream-name-prefix", "2026/11/22/"}, text, []string{"length(events)"})...)
	expect("4", slices.Concat([]string{"get-log-events", "--log-group-name", hello, "--log-stream-name", "2026/11/22/[$LATEST]aa"}, text, []string{"length(events)"})...)
	expect(hello, slices.Concat([]string{"describe-log-groups"}, text, []string{"logGroups[].logGroupName"})...)
	expect("2026/11/22/[$LATEST]aa", slices.Concat([]string{"describe-log-streams", "--log-group-name", hello}, text, []string{"logStreams[].logStreamName"})...)
	if out, err := printed(awsLogs(t, url, "filter-log-events", "--log-group-name", "/none")); err == nil || !strings.Contains(out, "ResourceNotFoundException") {
		t.Errorf("a group that is not there: %v %s", err, out)
	}
	if out, err := printed(awsLogs(t, url, "filter-log-events", "--log-group-name", hello, "--filter-pattern", "{ $.level = }")); err == nil || !strings.Contains(out, "Invalid filter pattern") {
		t.Errorf("a bad pattern: %v %s", err, out)
	}
}

// awsTail is `aws logs tail`, which came with version 2 of the command.
func awsTail(t *testing.T, url string, args ...string) *exec.Cmd {
	t.Helper()
	return awstest.Command(t, awstest.Version2(t), url, append([]string{"logs", "tail"}, args...)...)
}

func TestTail(t *testing.T) {
	t.Parallel()
	s, _, url := served(t)
	w := s.OpenStream(hello, "2026/11/22/[$LATEST]aa")
	for _, line := range []string{"START RequestId: 1", `{"level":"ERROR","msg":"no"}`, "END RequestId: 1"} {
		w.Append(time.Now(), []byte(line))
	}
	w.Commit()
	f := func(want []string, args ...string) {
		t.Helper()
		out, err := printed(awsTail(t, url, append([]string{hello}, args...)...))
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if err != nil || len(lines) != len(want) {
			t.Fatalf("aws logs tail %q: %v\n%s", args, err, out)
		}
		for i, line := range lines {
			if !strings.HasSuffix(line, want[i]) {
				t.Errorf("aws logs tail %q: line %d is %q, want %q", args, i, line, want[i])
			}
		}
	}
	all := []string{"START RequestId: 1", `{"level":"ERROR","msg":"no"}`, "END RequestId: 1"}
	f(all, "--since", "5m")
	f(all, "--format", "short")
	f([]string{"START RequestId: 1", "END RequestId: 1"}, "--filter-pattern", "?START ?END")
	f(all, "--log-stream-names", "2026/11/22/[$LATEST]aa")
	if out, err := printed(awsTail(t, url, "/none")); err == nil || !strings.Contains(out, "ResourceNotFoundException") {
		t.Errorf("a group that is not there: %v %s", err, out)
	}
}

// written is what a process has written, readable while it writes.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *written) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *written) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A tail that follows shows what is written while it does, of environments that start meanwhile, too,
// and each event once.
func TestTailFollows(t *testing.T) {
	t.Parallel()
	s, _, url := served(t)
	write := func(stream, line string) {
		w := s.OpenStream(hello, stream)
		w.Append(time.Now(), []byte(line))
		w.Commit()
	}
	write("2026/11/22/[$LATEST]aa", "the first")
	c := awsTail(t, url, hello, "--follow", "--format", "short", "--since", "5m")
	var out written
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() { _ = c.Process.Kill() })
	shows := func(line string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), line); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%q is not shown:\n%s", line, &out)
			}
		}
	}
	shows("the first")
	write("2026/11/22/[$LATEST]aa", "the second")
	shows("the second")
	write("2026/11/22/[$LATEST]bb", "the third")
	shows("the third")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended: // its status is the command's own affair
	case <-time.After(time.Minute):
		t.Fatal("it goes on after Ctrl-C")
	}
	for _, line := range []string{"the first", "the second", "the third"} {
		if n := strings.Count(out.String(), line); n != 1 {
			t.Errorf("%q is shown %d times:\n%s", line, n, &out)
		}
	}
}

// Live tail is refused in words, once the command is kept from putting "stream-" before the address.
func TestLiveTailIsRefused(t *testing.T) {
	t.Parallel()
	_, _, url := served(t)
	if out, err := awsLogs(t, url, "start-live-tail", "help").CombinedOutput(); err != nil && strings.Contains(string(out), "nvalid choice") {
		t.Skip("this aws has no start-live-tail: pip install awscli")
	}
	out, err := awsLogs(t, url, "start-live-tail", "--log-group-identifiers", "arn:aws:logs:us-east-1:000000000000:log-group:"+hello).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "aws logs tail --follow") {
		t.Errorf("%v\n%s", err, out)
	}
}
