package lambda

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLog(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
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
	files, err := filepath.Glob(filepath.Join(s.cfg.Dir, "logs", "hello", "*.log"))
	if err != nil || len(files) != 1 {
		t.Fatalf("log files %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for line := range strings.Lines(string(data)) {
		stamp, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if _, err := time.Parse(timestamp, stamp); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		texts = append(texts, text)
	}
	if diff := cmp.Diff(r.lines(), texts); diff != "" {
		t.Errorf("-events +file:\n%s", diff)
	}
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

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	store := &logStore{dir: t.TempDir(), streams: map[string]int{}, closed: map[string][]closedStream{}}
	long := []byte(strings.Repeat("x", 1<<20) + "\n")
	size := func() (total int64, files int) {
		entries, err := os.ReadDir(filepath.Join(store.dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			total += info.Size()
		}
		return total, len(entries)
	}
	l := store.open("f", "stream")
	for range 30 {
		l.write(long)
	}
	if total, files := size(); total > 2*maxHalf || files != 2 {
		t.Errorf("one stream takes %d bytes in %d files", total, files)
	}
	store.close(l)
	for i := range closedStreams + 50 {
		l := store.open("f", "stream"+strings.Repeat("i", i%100)+strings.Repeat("j", i/100))
		l.print([]byte("line"))
		if i%20 == 0 {
			for range 8 {
				l.write(long)
			}
		}
		store.close(l)
	}
	if total, files := size(); total > closedBytes || files > closedStreams {
		t.Errorf("closed streams take %d bytes in %d files", total, files)
	}
}

func TestLinesWithoutEnd(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	store := &logStore{dir: t.TempDir(), events: r.add, streams: map[string]int{}, closed: map[string][]closedStream{}}
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
