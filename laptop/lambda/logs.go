package lambda

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the logs of one function may take on disk. Streams that are open share openBytes among
// them, each in two halves of which the older goes first.
const (
	openBytes     = 256 << 20
	minHalf       = 128 << 10
	maxHalf       = 4 << 20
	closedBytes   = 64 << 20
	closedStreams = 500
	maxLine       = 256 << 10 // CloudWatch's limit of one event
	tailBytes     = 4 << 10   // what LogType=Tail gives
)

// logStore keeps the log streams: one file per stream, logs/<function>/<stream>.log, in which
// every line has its time, a tab, and its text. The slashes of a stream's name are hyphens in
// its file's.
type logStore struct {
	dir    string
	events func(Event)

	mu      sync.Mutex
	streams map[string]int            // how many are open, by function
	closed  map[string][]closedStream // by function, oldest first
}

type closedStream struct {
	path string
	size int64
}

// load finds the streams that are there. What is not a folder of a function's is not ours.
func (s *logStore) load() error {
	functions, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading logs: %w", err)
	}
	for _, f := range functions {
		if !f.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(s.dir, f.Name()))
		if err != nil {
			return fmt.Errorf("reading logs: %w", err)
		}
		type found struct {
			closedStream
			modified time.Time
		}
		var all []found
		for _, file := range files {
			if info, err := file.Info(); err == nil && !file.IsDir() {
				all = append(all, found{closedStream{filepath.Join(s.dir, f.Name(), file.Name()), info.Size()}, info.ModTime()})
			}
		}
		slices.SortFunc(all, func(a, b found) int { return a.modified.Compare(b.modified) })
		for _, x := range all {
			s.closed[f.Name()] = append(s.closed[f.Name()], x.closedStream)
		}
	}
	return nil
}

// open makes a new stream. A stream whose file cannot be written still emits its lines.
func (s *logStore) open(function, stream string) *logStream {
	s.mu.Lock()
	s.streams[function]++
	s.mu.Unlock()
	path := filepath.Join(s.dir, function, strings.ReplaceAll(stream, "/", "-")+".log")
	l := &logStream{store: s, function: function, stream: stream, path: path}
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		l.file, _ = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	}
	return l
}

// half is how large a file of one of function's streams may grow.
func (s *logStore) half(function string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(max(openBytes/2/int64(max(s.streams[function], 1)), minHalf), maxHalf)
}

// close ends a stream and removes the oldest of its function's when they are too many.
func (s *logStore) close(l *logStream) {
	l.flush()
	l.mu.Lock()
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
	l.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[l.function]--
	all := s.closed[l.function]
	for _, path := range []string{l.path + ".1", l.path} {
		if info, err := os.Stat(path); err == nil {
			all = append(all, closedStream{path, info.Size()})
		}
	}
	total := int64(0)
	for _, c := range all {
		total += c.size
	}
	for len(all) > closedStreams || total > closedBytes && len(all) > 2 {
		// One that somebody else has removed counts as gone all the same.
		_ = os.Remove(all[0].path)
		total -= all[0].size
		all = slices.Delete(all, 0, 1)
	}
	s.closed[l.function] = all
}

// logStream is one environment's log. Its methods may be called concurrently.
type logStream struct {
	store            *logStore
	function, stream string
	path             string

	mu      sync.Mutex
	file    *os.File
	size    int64
	partial []byte // a line of the process's that has no end yet
	tail    []byte // the end of the log since START, when somebody wants it
	tailing bool
	buf     []byte
}

// write takes bytes from the process.
func (l *logStream) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.partial = append(l.partial, p...)
			p = nil
		} else {
			l.line(time.Now(), append(l.partial, p[:i]...), telling)
			l.partial = l.partial[:0]
			p = p[i+1:]
		}
		if len(l.partial) >= maxLine {
			l.endLine()
		}
	}
	l.save()
}

// flush ends a line that the process has left open.
func (l *logStream) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	l.save()
}

func (l *logStream) endLine() {
	if len(l.partial) > 0 {
		l.line(time.Now(), l.partial, telling)
		l.partial = l.partial[:0]
	}
}

// print writes lines of Lambda's own that are not routine, after what the process has left open.
func (l *logStream) print(lines ...[]byte) {
	l.endLine()
	now := time.Now()
	for _, line := range lines {
		l.line(now, line, telling)
	}
	l.save()
}

// platform writes one of Lambda's own lines that is routine.
func (l *logStream) platform(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	l.line(time.Now(), []byte(line), routine)
	l.save()
}

const timestamp = "2006-01-02T15:04:05.000Z"

// What LogLine.Routine says of a line.
const (
	telling = false
	routine = true
)

// line emits one line and puts it where save finds it. The caller holds l.mu.
func (l *logStream) line(now time.Time, text []byte, isRoutine bool) {
	l.buf = now.UTC().AppendFormat(l.buf, timestamp)
	l.buf = append(l.buf, '\t')
	l.buf = append(l.buf, text...)
	l.buf = append(l.buf, '\n')
	if l.tailing {
		l.tail = append(append(l.tail, text...), '\n')
		if over := len(l.tail) - tailBytes; over > 0 {
			l.tail = slices.Delete(l.tail, 0, over)
		}
	}
	if l.store.events != nil {
		l.store.events(LogLine{Function: l.function, Stream: l.stream, Time: now, Line: string(text), Routine: isRoutine})
	}
}

// save writes to the file what line has put together. A disk that is full costs lines, not
// invocations. The caller holds l.mu.
func (l *logStream) save() {
	if l.file != nil && l.size > 0 && l.size+int64(len(l.buf)) > l.store.half(l.function) {
		l.file.Close()
		_ = os.Rename(l.path, l.path+".1")
		l.file, _ = os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		l.size = 0
	}
	if l.file != nil && len(l.buf) > 0 {
		n, _ := l.file.Write(l.buf)
		l.size += int64(n)
	}
	l.buf = l.buf[:0]
	if cap(l.buf) > 64<<10 {
		l.buf = nil
	}
	if cap(l.partial) > 64<<10 && len(l.partial) == 0 {
		l.partial = nil
	}
}
