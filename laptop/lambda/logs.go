package lambda

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

const (
	maxLine   = 256 << 10 // of one line: a longer one is cut into several
	tailBytes = 4 << 10   // what LogType=Tail gives
)

// Sink keeps what environments write: a log stream for each.
type Sink interface {
	// OpenStream begins a stream of a log group, which is made if there is none. It must not
	// fail: a sink that cannot keep lines loses them, and says so to whoever can do something.
	OpenStream(group, stream string) SinkStream
}

// SinkStream takes the lines of one stream. Its methods are called by one goroutine at a time.
type SinkStream interface {
	// Append takes a line without its newline, which may change afterwards.
	Append(at time.Time, line []byte)
	// Commit makes durable what was appended. It stands between an answer and the next request,
	// so it must be quick.
	Commit()
	// Close commits and ends the stream.
	Close()
}

// noSink keeps nothing.
type noSink struct{}

func (noSink) OpenStream(string, string) SinkStream { return noSink{} }
func (noSink) Append(time.Time, []byte)             {}
func (noSink) Commit()                              {}
func (noSink) Close()                               {}

// logStore opens the environments' log streams.
type logStore struct {
	sink   Sink
	events func(Event)
}

// open makes a new stream.
func (s *logStore) open(cfg Function, stream string) *logStream {
	return &logStream{store: s, function: cfg.Name, stream: stream, json: newJSONLog(cfg.Logging), sink: s.sink.OpenStream(cfg.LogsTo(), stream)}
}

// streamName names an environment's log stream in the way of
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html: in a log
// group that other functions may write to it tells the function's name, too.
func streamName(cfg Function, started time.Time, id string) string {
	day, version := started.UTC().Format("2006/01/02/"), "["+cfg.Version+"]"
	if cfg.LogGroup != "" {
		return day + cfg.Name + version + "[" + id + "]"
	}
	return day + version + id
}

// close ends a stream.
func (s *logStore) close(l *logStream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	l.sink.Close()
}

// logStream is one environment's log. Its methods may be called concurrently.
type logStream struct {
	store            *logStore
	function, stream string
	telemetry        *telemetry // is told what the function says; nil tells nobody
	json             *jsonLog   // nil where the format is Text

	mu      sync.Mutex
	sink    SinkStream
	partial []byte // a line of the process's that has no end yet
	tail    []byte // the end of the log since START, when somebody wants it
	tailing bool
}

// tellTo has t told what the function says from now on.
func (l *logStream) tellTo(t *telemetry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.telemetry = t
}

// write takes bytes from the process.
func (l *logStream) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = eachLine(l.partial, p, l.say)
	l.save()
}

// eachLine calls say with every line that ends in p, the first of which begins with partial, and
// returns what is left: the beginning of a line.
func eachLine(partial, p []byte, say func(line []byte)) []byte {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			partial = append(partial, p...)
			p = nil
		} else {
			say(append(partial, p[:i]...))
			partial = partial[:0]
			p = p[i+1:]
		}
		if len(partial) >= maxLine {
			say(partial)
			partial = partial[:0]
		}
	}
	return partial
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
		l.say(l.partial)
		l.partial = l.partial[:0]
	}
}

// say puts out a line of the process's. The caller holds l.mu.
func (l *logStream) say(line []byte) {
	if l.json.keeps(line) {
		l.line(time.Now(), line, telling)
	}
	l.telemetry.line(telemetryFunction, line, l.json != nil)
}

// print writes lines of Lambda's own that are not routine, after what the process has left open. The
// format JSON has events in their place.
func (l *logStream) print(lines ...[]byte) {
	if l.json != nil {
		return
	}
	l.endLine()
	now := time.Now()
	for _, line := range lines {
		l.line(now, line, telling)
	}
	l.save()
}

// platform writes one of Lambda's own lines that is routine. The format JSON has an event in its place.
func (l *logStream) platform(line string) {
	if l.json != nil {
		return
	}
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
	l.sink.Append(now, text)
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

// save makes durable what line has put together. The caller holds l.mu.
func (l *logStream) save() {
	l.sink.Commit()
	if cap(l.partial) > 64<<10 && len(l.partial) == 0 {
		l.partial = nil
	}
}
