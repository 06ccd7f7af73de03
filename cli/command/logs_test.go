package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/laptop"
)

// logWriter writes the log of a function of a laptop's.
type logWriter struct {
	t      *testing.T
	client *cloudwatchlogs.Client
	group  string
}

func startLogs(t *testing.T) (aws.Config, logWriter) {
	t.Helper()
	l, err := laptop.Start(t.Context(), laptop.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		if err := l.Close(end); err != nil {
			t.Error(err)
		}
	})
	config := laptopAWS(l.Addresses().Endpoint)
	w := logWriter{t, cloudwatchlogs.NewFromConfig(config), "/aws/lambda/Shop-Handle"}
	if _, err := w.client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &w.group}); err != nil {
		t.Fatal(err)
	}
	return config, w
}

// put writes a message to a stream, which is made if it is missing.
func (w logWriter) put(stream, message string, at time.Time) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &w.group, LogStreamName: &stream})
	if err != nil && !isCode(err, "ResourceAlreadyExistsException") {
		w.t.Fatal(err)
	}
	if _, err := w.client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &w.group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(at.UnixMilli()), Message: &message}}}); err != nil {
		w.t.Fatal(err)
	}
}

func shopProgram(functions ...string) (*program, *bytes.Buffer, *bytes.Buffer) {
	app := ephor.New("Shop")
	for _, name := range functions {
		app.Function(name, func() error { return nil })
	}
	var stdout, stderr bytes.Buffer
	return &program{app: app, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}, &stdout, &stderr
}

// shownEvents are the messages that a reader has shown.
type shownEvents struct {
	mu  sync.Mutex
	all []string
}

func (s *shownEvents) show(e logEvent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e.Message)
	return nil
}

func (s *shownEvents) wait(t *testing.T, n int) []string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		all := append([]string{}, s.all...)
		s.mu.Unlock()
		if len(all) >= n {
			return all
		}
		if time.Now().After(end) {
			t.Fatalf("only %q after a minute", all)
		}
	}
}

// A follower shows every event once, also one that comes late, and ends when it is told to.
func TestLogsAreFollowed(t *testing.T) {
	t.Parallel()
	config, w := startLogs(t)
	now := time.Now()
	w.put("a", "long ago", now.Add(-time.Hour))
	w.put("a", "one", now)
	p, _, _ := shopProgram("Handle")
	var shown shownEvents
	r := &logReader{program: p, config: config, target: target{name: targetLaptop}, client: w.client, show: shown.show,
		groups: []*logGroup{{function: p.functions()[0], name: w.group, since: now.Add(-time.Minute).UnixMilli(), seen: map[string]int64{}}}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.run(ctx, true) }()
	shown.wait(t, 1)
	w.put("b", "two\n", now.Add(time.Second))
	shown.wait(t, 2)
	w.put("a", "late", now.Add(500*time.Millisecond))
	shown.wait(t, 3)
	w.put("a", "last", now.Add(2*time.Second))
	if diff := cmp.Diff([]string{"one", "two", "late", "last"}, shown.wait(t, 4)); diff != "" {
		t.Error(diff)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("it ended with %v", err)
	}
}

// Several functions' events come in the order of time, and a function without a log is no error
// as long as it is there.
func TestLogsOfFunctionsThatAreNotThere(t *testing.T) {
	t.Parallel()
	config, w := startLogs(t)
	p, _, _ := shopProgram("Handle", "Other")
	var shown shownEvents
	r := &logReader{program: p, config: config, target: target{name: targetLaptop}, client: w.client, show: shown.show}
	for _, f := range p.functions() {
		r.groups = append(r.groups, &logGroup{function: f, name: "/aws/lambda/" + f.name, seen: map[string]int64{}})
	}
	err := r.run(t.Context(), false)
	if err == nil || err.Error() != "there is no function Other, nor any other of Shop" {
		t.Errorf("the error is %v", err)
	}
}

// Of a log group that functions share, each has its own.
func TestLogsOfASharedGroup(t *testing.T) {
	t.Parallel()
	config, w := startLogs(t)
	now := time.Now()
	w.put("2026/11/22/Shop-Handle[$LATEST][0a]", "mine", now)
	w.put("2026/11/22/Shop-Other[$LATEST][0b]", "theirs", now)
	w.put("2026/11/22/[$LATEST]0c", "also mine", now.Add(time.Millisecond))
	w.put("by/hand/it/was", "too", now.Add(2*time.Millisecond))
	p, _, _ := shopProgram("Handle")
	var shown shownEvents
	r := &logReader{program: p, config: config, target: target{name: targetLaptop}, client: w.client, show: shown.show,
		groups: []*logGroup{{function: p.functions()[0], name: w.group, seen: map[string]int64{}}}}
	if err := r.run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mine", "also mine", "too"}, shown.all); diff != "" {
		t.Error(diff)
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w": 168 * time.Hour, "0": 0} {
		if got, err := parseSince(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ten", "-5m", "5", "1.5d", "-1d", "999999999d"} {
		if got, err := parseSince(text); err == nil {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	at := time.Now().Truncate(24 * time.Hour).UTC()
	f := func(p logPrinter, message, want string) {
		t.Helper()
		line := p.line(logEvent{Time: at, Function: "Handle", Stream: "2026/11/22/[$LATEST]0123456789abcdef", Message: message})
		_, rest, _ := strings.Cut(line, "Handle")
		if rest != want || strings.Count(line, "\n") != 1 {
			t.Errorf("got %q, want %q", line, want)
		}
	}
	plain := logPrinter{named: true}
	f(plain, "hello", " abcdef hello\n")
	f(plain, "two\nlines\ttab\x1b[31m", " abcdef two↵lines\ttab·[31m\n")
	f(plain, `{"level":"ERROR","n":1.0}`, ` abcdef {"level":"ERROR","n":1.0}`+"\n")
	c := logPrinter{named: true, colour: true}
	behind := reset + " " + dim + "abcdef" + reset + " "
	f(c, "hello", behind+"hello\n")
	for colour, messages := range map[string][]string{
		dim:    {"START RequestId: 1 Version: $LATEST", "REPORT RequestId: 1", "INIT_REPORT Init Duration: 8.1 ms", "EXTENSION\tName: ephor", "TELEMETRY\tName: ephor", `{"type":"platform.start"}`, `{"level":"debug"}`},
		red:    {"an ERROR", "panic: oh", "2026-11-22 1 Task timed out after 1.00 seconds", "RequestId: 1 Error: Runtime exited", `{"level":"error"}`, `{"severity":"CRITICAL"}`},
		yellow: {"WARNING", `{"level":"warn"}`},
	} {
		for _, m := range messages {
			f(c, m, behind+colour+m+reset+"\n")
		}
	}
	f(c, `{"level":"info"}`, behind+`{"level":"info"}`+"\n")
}

func TestColoursAreForTerminals(t *testing.T) {
	if coloured(&bytes.Buffer{}) {
		t.Error("a buffer has colours")
	}
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if coloured(file) {
		t.Error("a file has colours")
	}
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if !coloured(device) {
		t.Error("a terminal has no colours")
	}
	t.Setenv("NO_COLOR", "1")
	if coloured(device) {
		t.Error("NO_COLOR is not honoured")
	}
}

func TestLogsAsJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	want := logEvent{Time: time.Date(2026, 11, 22, 20, 42, 39, 123e6, time.UTC), Function: "Handle", Stream: "s", ID: "1", Message: "<a>\nb"}
	if err := newLogPrinter(&out, true, true).print(want); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `{"time":"2026-11-22T20:42:39.123Z","function":"Handle","stream":"s","id":"1","message":"<a>\nb"}`+"\n" {
		t.Errorf("got %s", got)
	}
	var got logEvent
	if err := json.NewDecoder(&out).Decode(&got); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is wrong with a command line is told before anything is asked.
func TestUsageOfLogsAndInvoke(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	f := func(want int, text string, functions []string, args ...string) {
		t.Helper()
		p, stdout, stderr := shopProgram(functions...)
		if status := p.run(t.Context(), append(args, "--state", state)); status != want || !strings.Contains(stderr.String(), text) || stdout.Len() > 0 {
			t.Errorf("%q: status %d, %s%s, want %d with %q", args, status, stdout, stderr, want, text)
		}
	}
	one, two := []string{"Handle"}, []string{"Handle", "Other"}
	f(2, "logs takes one function, and got a b", one, "logs", "a", "b")
	f(2, `--since: "ten" is no duration`, one, "logs", "--since", "ten")
	f(2, `--target "moon": laptop or aws`, one, "logs", "--target", "moon")
	f(2, "Shop has no function", nil, "logs")
	f(1, "Shop is not running on this machine", one, "logs", "-f")
	f(1, "try: up, in another terminal", one, "invoke")
	f(2, "Shop has several functions; name one of Handle, Other", two, "invoke")
	f(2, "Shop has no function", nil, "invoke")
	f(2, "invoke takes one function", one, "invoke", "a", "b")
	f(2, "--payload and --event exclude each other", one, "invoke", "--payload", "{}", "--event", "sqs")
	f(2, "--tail and --async exclude each other", one, "invoke", "--tail", "--async")
	f(2, `there is no sample event "nope"; there are apigateway-v1, `, one, "invoke", "--event", "nope")
	f(2, `there is no sample event "nope"`, one, "invoke", "--list-events", "--event", "nope")
	f(2, "--payload is not JSON: ", one, "invoke", "--payload", `{"a"`)
	f(2, "--payload is empty; an event is JSON", one, "invoke", "--payload", "")
	f(2, "standard input is empty", one, "invoke", "--payload", "-")
	event := state + "/event.json"
	if err := os.WriteFile(event, []byte(" "), 0o600); err != nil {
		t.Fatal(err)
	}
	f(2, "the file of that name is --payload @"+event, one, "invoke", "--payload", event)
	f(2, event+" is empty", one, "invoke", "--payload", "@"+event)
	f(2, "no such file", one, "invoke", "--payload", "@"+state+"/none.json")
	f(2, `--target "moon"`, one, "invoke", "--target", "moon")
}

// A period of nothing has nothing to account for: it is refused before anybody is asked.
func TestStatusWantsAPeriod(t *testing.T) {
	t.Parallel()
	app, _ := hello()
	for _, since := range []string{"0", "0s", "1ns", "999ms", "0d"} {
		var stdout, stderr strings.Builder
		p := &program{app: app, stdout: &stdout, stderr: &stderr, state: t.TempDir()}
		if status := p.run(t.Context(), []string{"status", "--since", since}); status != 2 || !strings.Contains(stderr.String(), "--since: "+since+" is no period") {
			t.Errorf("--since %s: status %d, %s%s", since, status, &stdout, &stderr)
		}
	}
}
