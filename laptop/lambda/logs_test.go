package lambda

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		!strings.HasSuffix(tail, "\nEND RequestId: ID\nREPORT RequestId: ID\tDuration: N\tBilled Duration: N\tMemory Size: 128 MB\tMax Memory N MB\tInit Duration: N\t\n") ||
		!strings.Contains(tail, "one\n") || !strings.Contains(tail, "two") || !strings.Contains(tail, "extension: INVOKE ID") {
		t.Errorf("got\n%s", tail)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"/aws/lambda/hello " + eventsOf[LogLine](r)[0].Stream: r.lines()}, kept.streams); diff != "" {
		t.Errorf("-events +sink:\n%s", diff)
	}
	if kept.open != 0 {
		t.Errorf("%d streams are still open", kept.open)
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
	l := store.open("f", "stream")
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
