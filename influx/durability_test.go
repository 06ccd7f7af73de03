package influx

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What was acknowledged is there after kill -9, however often.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		p := startProcess(t, dir)
		acks := &acknowledged{last: map[int]int{}}
		var writers sync.WaitGroup
		for i := range 4 {
			writers.Go(func() { acks.writeUntilRefused(p.target, 10*round+i, 50) })
		}
		eventually(t, "too little is acknowledged", func() bool {
			acks.Lock()
			defer acks.Unlock()
			return len(acks.last) == 4 && acks.last[10*round] >= 500
		})
		p.kill() // in the middle of what they write
		writers.Wait()

		again := startProcess(t, dir)
		acks.check(t, again.target)
		again.kill()
	}
}

// openDir opens the store in dir and serves it. Its caller closes it.
func openDir(t *testing.T, dir string) (_ *Server, _ target, events func() []Event) {
	t.Helper()
	var mu sync.Mutex
	var seen []Event
	s, err := Open(Config{Dir: dir, Database: "ephor", OnEvent: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s, inProcess(t, s), func() []Event {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

// crash closes a store's files and leaves them as they are, as the end of a killed process does.
func crash(t *testing.T, s *Server) {
	t.Helper()
	if err := s.engine.close(); err != nil {
		t.Fatal(err)
	}
	s.engine = nil
}

// lastSegment is the file that the engine appends to.
func lastSegment(t *testing.T, dir string) string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "wal", "ephor", "autogen", "*", "_*.wal"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	return segments[len(segments)-1]
}

// A process killed while it appends to the log leaves a part of an entry. What is written after that must
// outlive the next restart as well.
func TestTornLog(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T, dir string) []byte {
		t.Helper()
		segment, err := os.ReadFile(lastSegment(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		return segment
	}
	tests := []struct {
		name string
		torn func(segment []byte) []byte
	}{
		{"a header", func([]byte) []byte { return []byte{1, 0, 0} }},
		{"a header and part of a block", func(s []byte) []byte { return s[:len(s)/2] }},
		{"all but one byte", func(s []byte) []byte { return s[:len(s)-1] }},
		{"a length beyond the file", func([]byte) []byte { return append([]byte{1, 0xff, 0xff, 0xff, 0xff}, make([]byte, 64)...) }},
		{"an unpacked length of 4 GB", func([]byte) []byte { return append([]byte{1, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0x0f}, 1, 2, 3) }},
		{"a hole", func([]byte) []byte { return make([]byte, 100) }},
		{"an unknown kind of entry", func(s []byte) []byte { return append([]byte{9}, s[1:]...) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, d, _ := openDir(t, dir)
			d.write(t, "torn v=1 1")
			crash(t, s)

			segment := whole(t, dir)
			if err := os.WriteFile(lastSegment(t, dir), append(segment, test.torn(segment)...), 0o600); err != nil {
				t.Fatal(err)
			}
			s, d, events := openDir(t, dir)
			if len(events()) != 1 || !strings.Contains(events()[0].Message, "cut off") {
				t.Errorf("events %+v, want one about the cut", events())
			}
			if !bytes.Equal(whole(t, dir), segment) {
				t.Error("the segment is not what it was before")
			}
			d.write(t, "torn v=2 2")
			crash(t, s)

			s, d, events = openDir(t, dir)
			defer s.Close()
			if got, want := d.values(t, "SELECT v FROM torn"), "[1,1] [2,2]"; got != want {
				t.Errorf("after the second restart: %s, want %s", got, want)
			}
			if len(events()) != 0 {
				t.Errorf("events %+v, want none", events())
			}
		})
	}
}

// A process killed while it makes a shard leaves a directory with nothing, or little, in it.
func TestHalfMadeShard(t *testing.T) {
	t.Parallel()
	for _, leftover := range []string{"data/ephor/autogen/1", "data/ephor/autogen/1/index/0/MANIFEST", "wal/ephor/autogen/1/_00001.wal"} {
		t.Run(leftover, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, _, _ := openDir(t, dir)
			s.Close()
			path := filepath.Join(dir, filepath.FromSlash(leftover))
			if err := os.MkdirAll(filepath.Join(dir, "data/ephor/autogen/1"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(leftover) != "" || filepath.Base(leftover) == "MANIFEST" {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, d, _ := openDir(t, dir)
			defer s.Close()
			d.write(t, "fresh v=1 1")
			if got, want := d.values(t, "SELECT v FROM fresh"), "[1,1]"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if index, err := os.ReadDir(filepath.Join(dir, "data/ephor/autogen/1/index")); err != nil || len(index) == 0 {
				t.Errorf("the shard has no index of its own: %v", err)
			}
		})
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	put := func(name, content string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		config Config
		damage func(t *testing.T, dir string)
		want   string
	}{
		{"no directory", Config{Database: "ephor"}, nil, "Config.Dir is empty"},
		{"no database", Config{Dir: "-"}, nil, "Config.Database"},
		{"a database's name with a slash", Config{Dir: "-", Database: "a/b"}, nil, `"a/b"`},
		{"too short a retention", Config{Dir: "-", Database: "ephor", Retention: time.Minute}, nil, "shorter than 1h"},
		{"a file in its place", Config{Dir: "-", Database: "ephor"}, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a directory"},
		{"a damaged catalogue", Config{Dir: "-", Database: "ephor"}, put("meta/meta.db", "damaged"), "catalogue"},
		{"a damaged index", Config{Dir: "-", Database: "ephor"}, put("data/ephor/autogen/1/index/0/MANIFEST", "damaged"), "shard"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.config.Dir != "" {
				test.config.Dir = filepath.Join(t.TempDir(), "store")
			}
			if test.damage != nil {
				s, d, _ := openDir(t, test.config.Dir)
				d.write(t, "x v=1 1")
				crash(t, s)
				test.damage(t, test.config.Dir)
			}
			s, err := Open(test.config)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want something about %q", err, test.want)
			}
			if test.config.Dir != "" && test.damage != nil && !strings.Contains(err.Error(), test.config.Dir) {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

// After an orderly end there is no log to read, and everything is there.
func TestSettledOnClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, _ := openDir(t, dir)
	d.write(t, "x,h=a v=1 1\nx,h=b v=2 2")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := walSegments(filepath.Join(dir, "wal", "ephor", "autogen", "1"))
	if err != nil || len(segments) != 0 {
		t.Errorf("a log is left: %v %v", segments, err)
	}
	s, d, events := openDir(t, dir)
	defer s.Close()
	if got, want := d.values(t, "SELECT v FROM x"), "[1,1] [2,2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(events()) != 0 {
		t.Errorf("events %+v, want none", events())
	}
}

// A damaged data file is set aside, aloud, and the store goes on.
func TestDamagedDataFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, _ := openDir(t, dir)
	d.write(t, "x v=1 1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "ephor", "autogen", "1", "*.tsm"))
	if err != nil || len(files) != 1 {
		t.Fatalf("data files %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, d, events := openDir(t, dir)
	defer s.Close()
	if !slices.ContainsFunc(events(), func(e Event) bool { return e.Path == files[0] && e.Err != nil }) {
		t.Errorf("events %+v, want one about %s", events(), files[0])
	}
	if _, err := os.Stat(files[0] + ".bad"); err != nil {
		t.Error(err)
	}
	d.write(t, "x v=2 2")
	if got, want := d.values(t, "SELECT v FROM x"), "[2,2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
