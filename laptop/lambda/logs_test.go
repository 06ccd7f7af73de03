package lambda

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestLog(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	kept := &memorySink{streams: map[string][]string{}}
	s := open(t, Config{Events: r.add, Logs: kept})
	create(t, s, hello(t, withExtension("0s"), func(in *FunctionInput) { in.Environment["EXTENSION_PRINTS"] = "1" }))
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"print","text":"one\ntwo"}`), LogTail: true})
	if err != nil {
		t.Fatal(err)
	}
	// What the extension printed may have come before or behind the handler's last line.
	tail := regexp.MustCompile(`[\d.]+ ms|\d+ ms|Used: \d+`).ReplaceAllString(string(out.LogTail), "N")
	tail = strings.ReplaceAll(tail, out.RequestID, "ID")
	if !strings.HasPrefix(tail, "START RequestId: ID Version: $LATEST\n") ||
		!strings.HasSuffix(tail, "\nEND RequestId: ID\nREPORT RequestId: ID\tDuration: N\tBilled Duration: N\tMemory Size: 128 MB\tMax Memory N MB\tInit Duration: N\tMemory Limit: "+heldHere(s)+"\t\n") ||
		!strings.Contains(tail, "one\n") || !strings.Contains(tail, "two") || !strings.Contains(tail, "extension: INVOKE ID") {
		t.Errorf("got\n%s", tail)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, left := kept.kept()
	if diff := cmp.Diff(map[string][]string{"/aws/lambda/hello " + eventsOf[LogLine](r)[0].Stream: r.lines()}, lines); diff != "" {
		t.Errorf("-events +sink:\n%s", diff)
	}
	if left != 0 {
		t.Errorf("%d streams are still open", left)
	}
}

// TestLogGroup: a function may log to a group that others log to, and its streams' names tell it.
func TestLogGroup(t *testing.T) {
	t.Parallel()
	kept := &memorySink{streams: map[string][]string{}}
	s := open(t, Config{Logs: kept})
	create(t, s, hello(t, func(in *FunctionInput) { in.LogGroup = "shared/logs" }))
	call(t, s, `{}`)
	settled(t, s, "hello")
	change := func(in *FunctionInput) { in.LogGroup = "/aws/lambda/hello" } // what it has without
	if f, err := s.UpdateFunction(t.Context(), "hello", hello(t, change)); err != nil || f.LogGroup != "" || f.LogsTo() != "/aws/lambda/hello" {
		t.Fatal(f, err)
	}
	call(t, s, `{}`)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, _ := kept.kept()
	for _, pattern := range []string{`^shared/logs \d{4}/\d\d/\d\d/hello\[\$LATEST\]\[[0-9a-f]{32}\]$`, `^/aws/lambda/hello \d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(lines)), regexp.MustCompile(pattern).MatchString) {
			t.Errorf("%s is none of %v", pattern, lines)
		}
	}
	for _, group := range []string{"aws/x", "a b", strings.Repeat("x", 513)} {
		_, err := open(t, Config{}).CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.LogGroup = group }))
		if e := awsproto.From(err); e.Code != "InvalidParameterValueException" || !strings.Contains(e.Message, "log group") {
			t.Errorf("%s: %v", group, err)
		}
	}
}

func TestLogGroupOverTheWire(t *testing.T) {
	t.Parallel()
	c, _ := client(t, open(t, Config{}))
	name := aws.String("f")
	made, err := c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{FunctionName: name, Role: aws.String("arn:aws:iam::0:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: script(t, "exit 1")}, LoggingConfig: &types.LoggingConfig{LogGroup: aws.String("one")}})
	if err != nil || *made.LoggingConfig.LogGroup != "one" || made.LoggingConfig.LogFormat != types.LogFormatText {
		t.Fatalf("%+v %v", made, err)
	}
	change := func(l types.LoggingConfig) (*sdk.UpdateFunctionConfigurationOutput, error) {
		return c.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name, LoggingConfig: &l})
	}
	if _, err := change(types.LoggingConfig{SystemLogLevel: types.SystemLogLevelWarn}); err == nil || !strings.Contains(err.Error(), "are for LogFormat JSON") {
		t.Errorf("the format JSON: %v", err)
	}
	if out, err := change(types.LoggingConfig{LogFormat: types.LogFormatText}); err != nil || *out.LoggingConfig.LogGroup != "one" {
		t.Errorf("the format alone: %+v %v", out, err)
	}
	if out, err := change(types.LoggingConfig{LogGroup: aws.String("/aws/lambda/f")}); err != nil || *out.LoggingConfig.LogGroup != "/aws/lambda/f" {
		t.Errorf("back: %+v %v", out, err)
	}
}

// memorySink keeps the lines that were committed, by group and stream.
type memorySink struct {
	mu      sync.Mutex
	streams map[string][]string
	open    int
}

func (m *memorySink) OpenStream(group, stream string) SinkStream {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open++
	return &memoryStream{sink: m, name: group + " " + stream}
}

// kept are all lines that were committed, and how many streams are open.
func (m *memorySink) kept() (lines map[string][]string, open int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.streams), m.open
}

type memoryStream struct {
	sink  *memorySink
	name  string
	lines []string
}

func (s *memoryStream) Append(_ time.Time, line []byte) { s.lines = append(s.lines, string(line)) }

func (s *memoryStream) Commit() {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.streams[s.name] = append(s.sink.streams[s.name], s.lines...)
	s.lines = nil
}

func (s *memoryStream) Close() {
	s.Commit()
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.open--
}

// TestRoutineLines: a function may write what looks like one of Lambda's lines, and a timeout is news.
func TestRoutineLines(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, func(in *FunctionInput) { in.Timeout = time.Second }))
	call(t, s, `{"do":"print","text":"START RequestId: of mine\n"}`)
	settled(t, s, "hello")
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"ms":60000}`), LogTail: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"exit","status":7}`), LogTail: true}); err != nil {
		t.Fatal(err)
	}
	var shown, hidden []string
	for _, l := range eventsOf[LogLine](r) {
		if text := regexp.MustCompile(`[0-9a-f-]{36}|^[\d-]+T\S+ `).ReplaceAllString(l.Line, "ID"); l.Routine {
			hidden = append(hidden, strings.Fields(text)[0])
		} else {
			shown = append(shown, text)
		}
	}
	if diff := cmp.Diff([]string{"START", "END", "REPORT", "START", "END", "REPORT", "START", "END", "REPORT"}, hidden); diff != "" {
		t.Errorf("routine lines -want +got:\n%s", diff)
	}
	want := []string{"START RequestId: of mine", "IDID Task timed out after 1.00 seconds", "",
		"RequestId: ID Error: Runtime exited with error: exit status 7", "Runtime.ExitError"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("other lines -want +got:\n%s", diff)
	}
}

func TestMaxMemoryUsedIsMeasured(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"big","bytes":6000000}`), LogTail: true})
	if err != nil {
		t.Fatal(err)
	}
	if used := regexp.MustCompile(`Max Memory Used: (\d+) MB`).FindSubmatch(out.LogTail); used == nil || len(used[1]) < 2 {
		t.Errorf("a handler that made 12 MB used %s", out.LogTail)
	}
}

func TestLinesWithoutEnd(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	store := &logStore{sink: noSink{}, events: r.add}
	l := store.open(Function{Name: "f"}, "stream")
	for range 5 {
		l.write([]byte(strings.Repeat("y", maxLine/2)))
	}
	l.write([]byte("a\n\nb"))
	store.close(l)
	var lengths []int
	for _, line := range r.lines() {
		lengths = append(lengths, len(line))
	}
	if diff := cmp.Diff([]int{maxLine, maxLine, maxLine/2 + 1, 0, 1}, lengths); diff != "" {
		t.Errorf("lengths of lines -want +got:\n%s", diff)
	}
}
