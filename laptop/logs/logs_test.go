package logs

import (
	"errors"
	"fmt"

	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, code, text string) {
	t.Helper()
	var e *awsproto.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
}

// open opens a service that ends with the test. Nothing may keep it from writing.
func open(t testing.TB, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Problem: func(err error) { t.Error(err) }})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// messages are those of all events that a query finds, over all its pages.
func messages(t testing.TB, s *Service, q Query) []string {
	t.Helper()
	all := []string{}
	seen := map[string]bool{}
	for {
		page, err := s.FilterLogEvents(t.Context(), q)
		must(t, err)
		for _, e := range page.Events {
			if seen[e.ID] || len(e.ID) != 56 {
				t.Errorf("the event ID %q came twice or is none", e.ID)
			}
			seen[e.ID] = true
			all = append(all, e.Message)
		}
		if page.Next == "" {
			return all
		}
		q.Token = page.Next
	}
}

const hello = "/aws/lambda/hello"

func TestWhatAWriterCommitsIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	start := time.Now().Truncate(time.Millisecond)
	a, b := s.OpenStream(hello, "2026/11/22/[$LATEST]aa"), s.OpenStream(hello, "2026/11/22/[$LATEST]bb")
	a.Append(start, []byte("first"))
	a.Append(start.Add(2*time.Millisecond), []byte("third\twith a tab"))
	b.Append(start.Add(time.Millisecond), []byte("second"))
	if got := messages(t, s, Query{Group: hello}); len(got) != 0 {
		t.Errorf("before a commit: %q", got)
	}
	a.Commit()
	b.Commit()
	want := []string{"first\n", "second\n", "third\twith a tab\n"}
	f := func(what string, q Query, want ...string) {
		t.Helper()
		q.Group = hello
		if diff := cmp.Diff(want, messages(t, s, q), cmp.Transformer("", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
	f("all", Query{}, want...)
	f("one by one", Query{Limit: 1}, want...)
	f("the latest first", Query{Limit: 1, Descending: true}, want[2], want[1], want[0])
	f("a stream", Query{Streams: []string{"2026/11/22/[$LATEST]bb"}}, want[1])
	f("a prefix", Query{Prefix: "2026/11/22/[$LATEST]a"}, want[0], want[2])
	f("no stream", Query{Prefix: "2027"})
	f("a time", Query{Start: start.UnixMilli() + 1, End: start.UnixMilli() + 1}, want[1])
	f("a pattern", Query{Pattern: "?first ?tab"}, want[0], want[2])

	a.Append(time.Now(), []byte("")) // a blank line is an event
	a.Close()
	b.Close()
	s = open(t, dir)
	f("another process", Query{}, append(want, "\n")...)
}

// TestAProcessThatWasKilled leaves what it had written, and half a line at the most, which is no
// event and stays in nobody's way.
func TestAProcessThatWasKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	w := s.OpenStream(hello, "stream")
	w.Append(time.Now(), []byte("whole"))
	w.Commit() // and no Close
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.log"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	f, err := os.OpenFile(files[0], os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("2026-11-22T20:42:39.123Z\thal")
	must(t, errors.Join(err, f.Close()))

	s = open(t, dir)
	if got := messages(t, s, Query{Group: hello}); len(got) != 1 || got[0] != "whole\n" {
		t.Errorf("found %q", got)
	}
	_, err = s.PutLogEvents(hello, "stream", []InputEvent{{time.Now().UnixMilli(), "after\nit"}})
	must(t, err)
	if diff := cmp.Diff([]string{"whole\n", "after\nit"}, messages(t, open(t, dir), Query{Group: hello})); diff != "" {
		t.Error(diff)
	}
}

// TestOrder: whatever order they are written in, and however many blocks they fill, events come by
// their times, each once.
func TestOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.CreateLogGroup(GroupInput{Name: "g"}))
	base := time.Now().Add(-time.Hour).UnixMilli()
	padding := strings.Repeat("x", 500)
	var want []string
	for i := range 900 {
		want = append(want, fmt.Sprintf("%03d %s", i, padding))
	}
	for k := range 3 {
		name := fmt.Sprintf("s%d", k)
		must(t, s.CreateLogStream("g", name))
		for round := range 3 { // the batches of a stream overlap
			var events []InputEvent
			for i := 3*round + k; i < 900; i += 9 {
				events = append(events, InputEvent{base + int64(i), want[i]})
			}
			_, err := s.PutLogEvents("g", name, events)
			must(t, err)
		}
	}
	for _, s := range []*Service{s, open(t, dir)} {
		if diff := cmp.Diff(want, messages(t, s, Query{Group: "g", Limit: 7})); diff != "" {
			t.Error(diff)
		}
		down := messages(t, s, Query{Group: "g", Limit: 50, Descending: true})
		for i := range down {
			if down[i] != want[len(want)-1-i] {
				t.Fatalf("from the end, event %d is %.10s", i, down[i])
			}
		}
	}
}

func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	w := s.OpenStream(hello, "stream")
	big := []byte(strings.Repeat("y", 100<<10))
	for range 25 {
		w.Append(time.Now(), big)
		w.Commit()
	}
	page, err := s.FilterLogEvents(t.Context(), Query{Group: hello})
	must(t, err)
	if len(page.Events) != 10 || page.Next == "" {
		t.Errorf("a page of 1 MB has %d events of 100 KB, and a next one %q", len(page.Events), page.Next)
	}
	if got := messages(t, s, Query{Group: hello}); len(got) != 25 {
		t.Errorf("all pages have %d events", len(got))
	}
	_, err = s.FilterLogEvents(t.Context(), Query{Group: hello, Pattern: "other", Token: page.Next})
	wants(t, err, "InvalidParameterException", "nextToken")
	small := s.OpenStream(hello, "small")
	for range 10_001 {
		small.Append(time.Now(), nil)
	}
	small.Commit()
	page, err = s.FilterLogEvents(t.Context(), Query{Group: hello, Streams: []string{"small"}})
	must(t, err)
	if len(page.Events) != 10_000 || page.Next == "" {
		t.Errorf("a page has %d events", len(page.Events))
	}
}

// TestDiskIsBounded: a stream keeps its newest events, a group its newest streams.
func TestDiskIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	long := []byte(strings.Repeat("x", 1<<20))
	size := func() (total int64, files int) {
		t.Helper()
		entries, err := os.ReadDir(filepath.Join(dir, fileName(hello)))
		must(t, err)
		for _, e := range entries {
			info, err := e.Info()
			must(t, err)
			total += info.Size()
			if strings.HasSuffix(e.Name(), ".log") {
				files++
			}
		}
		return total, files
	}
	w := s.OpenStream(hello, "stream")
	for range 30 {
		w.Append(time.Now(), long)
		w.Commit()
	}
	if total, files := size(); total > 2*maxHalf || files != 2 {
		t.Errorf("one stream takes %d bytes in %d files", total, files)
	}
	if got := messages(t, s, Query{Group: hello}); len(got) < 3 || len(got) > 8 {
		t.Errorf("of 30 events of 1 MB %d are left", len(got))
	}
	w.Close()
	for i := range idleStreams + 50 {
		w := s.OpenStream(hello, fmt.Sprint("stream", i))
		w.Append(time.Now(), []byte("line"))
		if i%20 == 0 {
			for range 8 {
				w.Append(time.Now(), long)
				w.Commit()
			}
		}
		w.Close()
	}
	if total, files := size(); total > idleBytes+1<<20 || files > 2*idleStreams {
		t.Errorf("idle streams take %d bytes in %d files", total, files)
	}
	streams, err := s.Streams(hello, "")
	must(t, err)
	if len(streams) > idleStreams {
		t.Errorf("%d streams are left", len(streams))
	}
	last := fmt.Sprint("stream", idleStreams+49)
	if got := messages(t, s, Query{Group: hello, Streams: []string{last}}); len(got) != 1 {
		t.Errorf("the newest stream has %d events", len(got))
	}
}

// TestRetention: what is past it is not read from the moment on that it is, and its files go.
func TestRetention(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		must(t, s.CreateLogGroup(GroupInput{Name: "g", Retention: 3}))
		for _, name := range []string{"old", "new"} {
			w := s.OpenStream("g", name)
			w.Append(time.Now(), []byte(name))
			w.Close()
			time.Sleep(2 * 24 * time.Hour)
		}
		if got := messages(t, s, Query{Group: "g"}); len(got) != 1 || got[0] != "new\n" {
			t.Errorf("after 4 days: %q", got)
		}
		synctest.Wait()
		if files, err := filepath.Glob(filepath.Join(dir, "*", "old-*.log")); err != nil || len(files) > 0 {
			t.Errorf("files that are left: %v, %v", files, err)
		}
		must(t, s.PutRetentionPolicy("g", 1))
		if got := messages(t, s, Query{Group: "g"}); len(got) != 0 {
			t.Errorf("after a shorter retention: %q", got)
		}
		wants(t, s.PutRetentionPolicy("g", 2), "InvalidParameterException", "1, 3, 5")
		wants(t, s.PutRetentionPolicy("other", 3), "ResourceNotFoundException", "log group")
		g, err := s.Group("g")
		must(t, err)
		if g.Retention != 1 {
			t.Errorf("the retention is %d", g.Retention)
		}
		must(t, s.Close())
	})
}

// TestAWriterOutlivesItsStream, as an environment does its log group.
func TestAWriterOutlivesItsStream(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	w := s.OpenStream(hello, "stream")
	say := func(text string) {
		w.Append(time.Now(), []byte(text))
		w.Commit()
	}
	say("one")
	must(t, s.DeleteLogStream(hello, "stream"))
	if got := messages(t, s, Query{Group: hello}); len(got) != 0 {
		t.Errorf("after the stream's deletion: %q", got)
	}
	say("two")
	must(t, s.DeleteLogGroup(hello))
	_, err := s.FilterLogEvents(t.Context(), Query{Group: hello})
	wants(t, err, "ResourceNotFoundException", "log group")
	say("three")
	if got := messages(t, s, Query{Group: hello}); len(got) != 1 || got[0] != "three\n" {
		t.Errorf("after the group's deletion: %q", got)
	}
	w.Close()
	must(t, s.DeleteLogGroup(hello))
	wants(t, s.DeleteLogGroup(hello), "ResourceNotFoundException", "log group")
}

// TestAProblemIsTold: a folder that cannot be written loses lines and nothing else.
func TestAProblemIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, fileName(hello)), nil, 0o600)) // where its folder would be
	var told []error
	s, err := Open(Config{Dir: dir, Problem: func(err error) { told = append(told, err) }})
	must(t, err)
	w := s.OpenStream(hello, "stream")
	for range 3 {
		w.Append(time.Now(), []byte("lost"))
		w.Commit()
	}
	w.Close()
	must(t, s.Close())
	if len(told) != 1 || !strings.Contains(told[0].Error(), "the log stream stream of "+hello) {
		t.Errorf("told %v", told)
	}
}

// TestStrayFiles: what somebody has left in the service's folder.
func TestStrayFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	w := s.OpenStream(hello, "stream")
	w.Append(time.Now(), []byte("line"))
	w.Close()
	for _, path := range []string{".DS_Store", "notes/x", fileName(hello) + "/x.1.log", fileName(hello) + "/.DS_Store", fileName(hello) + "/y.log"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, path), []byte("stray"), 0o600))
	}
	s = open(t, dir)
	if got := messages(t, s, Query{Group: hello}); len(got) != 1 {
		t.Errorf("found %q", got)
	}
	if got := s.Groups(""); len(got) != 1 {
		t.Errorf("groups %+v", got)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add("one", "two\nlines", int64(1), int64(2))
	f.Add("", "\n\t\n", int64(0), int64(1<<40))
	f.Add("\t2026-11-22T20:42:39.123Z\tx", "#stream", int64(5), int64(5))
	f.Fuzz(func(t *testing.T, line, message string, a, b int64) {
		line = strings.ReplaceAll(line, "\n", " ")
		a, b = min(max(a, 0), maxTimestamp), min(max(b, 0), maxTimestamp)
		var batch batch
		batch.add(time.UnixMilli(a))
		batch.text([]byte(line))
		batch.add(time.UnixMilli(b))
		batch.data = time.UnixMilli(a).UTC().AppendFormat(append(batch.data, ' '), timestamp)
		batch.text([]byte(message))
		var got []Event
		for r := (reader{data: batch.data}); r.next(); {
			got = append(got, r.event)
		}
		want := []Event{{Time: a, Ingested: a, Message: line + "\n"}, {Time: b, Ingested: a, Message: message}}
		if a == 0 {
			want[1].Message, want[1].Ingested = got[1].Message, got[1].Ingested // 1970 itself is no time of ours
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Event{}, key{})); diff != "" {
			t.Errorf("%q -want +got\n%s", batch.data, diff)
		}
	})
}

func BenchmarkCommit(b *testing.B) {
	s := open(b, b.TempDir())
	w := s.OpenStream(hello, "stream")
	line := []byte("REPORT RequestId: 4f1c0f0c-0c3e-4d7e-9d5f-2f4f7f1c0f0c\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 20 MB\t")
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		w.Append(now, line)
		w.Append(now, line)
		w.Commit()
	}
}

// BenchmarkFollow looks for what is new among 300 streams that are full.
func BenchmarkFollow(b *testing.B) {
	s := open(b, b.TempDir())
	line := []byte(strings.Repeat("x", 200))
	for i := range 300 {
		w := s.OpenStream(hello, fmt.Sprint(i))
		for range 1000 {
			w.Append(time.Now().Add(-time.Minute), line)
			w.Commit()
		}
		w.Append(time.Now(), line)
		w.Commit()
	}
	since := time.Now().Add(-30 * time.Second).UnixMilli()
	for b.Loop() {
		page, err := s.FilterLogEvents(b.Context(), Query{Group: hello, Start: since})
		if err != nil || len(page.Events) != 300 {
			b.Fatal(len(page.Events), err)
		}
	}
}
