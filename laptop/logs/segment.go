package logs

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// A segment is one file of a stream. Its first line says whose it is and when that was created,
//
//	#stream 2026-11-22T20:42:39.120Z "2026/11/22/[$LATEST]4f1c…"
//
// and each event follows as its time, a tab and its message:
//
//	2026-11-22T20:42:39.123Z	START RequestId: …
//	2026-11-22T20:42:39.125Z 2026-11-22T20:42:40.001Z	what PutLogEvents brought,
//		of two lines
//
// An event without a second time, that of its ingestion, is a line of a function's: it was
// ingested when it was written and its message ends with a newline. A line that begins with a tab
// goes on with the message before it.
type segment struct {
	number  int
	size    int64 // of what is whole
	indexed bool
	blocks  []block
}

// block is a stretch of a segment, blockSize long or one batch if that is more: enough to know
// whether a search has to read it.
type block struct {
	start, end     int64 // in the file
	oldest, newest int64 // ms, of its events
}

const blockSize = 64 << 10

// add notes n bytes that were written with events of these times.
func (seg *segment) add(n, oldest, newest int64) {
	if last := len(seg.blocks) - 1; last >= 0 && seg.blocks[last].end-seg.blocks[last].start < blockSize {
		b := &seg.blocks[last]
		b.end += n
		b.oldest, b.newest = min(b.oldest, oldest), max(b.newest, newest)
	} else {
		seg.blocks = append(seg.blocks, block{seg.size, seg.size + n, oldest, newest})
	}
	seg.size += n
}

func (seg *segment) newest() int64 {
	newest := int64(0)
	for _, b := range seg.blocks {
		newest = max(newest, b.newest)
	}
	return newest
}

const timestamp = "2006-01-02T15:04:05.000Z"

const headerMark = "#stream "

func (st *stream) header() []byte {
	b := time.UnixMilli(st.created).UTC().AppendFormat([]byte(headerMark), timestamp)
	return append(strconv.AppendQuote(append(b, ' '), st.name), '\n')
}

func parseHeader(line string) (name string, created int64, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), headerMark)
	if !ok {
		return "", 0, false
	}
	stamp, quoted, _ := strings.Cut(rest, " ")
	t, err := time.Parse(timestamp, stamp)
	if err != nil {
		return "", 0, false
	}
	name, err = strconv.Unquote(quoted)
	return name, t.UnixMilli(), err == nil
}

// loadSegment takes a file into its stream. One without a header is left alone.
func (g *group) loadSegment(base string, number int) error {
	f, err := os.Open(fmt.Sprintf("%s.%d.log", base, number))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	name, created, ok := parseHeader(line)
	if !ok {
		return nil
	}
	st := g.streams[name]
	if st == nil {
		st = &stream{group: g, name: name, base: base, created: created}
		g.streams[name] = st
	}
	st.segments = append(st.segments, &segment{number: number, size: info.Size()})
	st.touched = max(st.touched, info.ModTime().UnixMilli())
	return nil
}

// index reads the segments that an earlier process has left, to know their blocks and where they
// end well. The caller holds st.mu.
func (st *stream) index() error {
	for _, seg := range st.segments {
		if seg.indexed {
			continue
		}
		data, err := os.ReadFile(st.path(seg.number))
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("reading log stream %s: %w", st.name, err)
		}
		// A process that was killed may have left half a line.
		data = data[:bytes.LastIndexByte(data, '\n')+1]
		seg.size = int64(len(data))
		seg.indexed = true
		seg.blocks = nil
		for r := (reader{data: data}); r.next(); {
			e := r.event
			st.ingested = max(st.ingested, e.Ingested)
			if last := len(seg.blocks) - 1; last >= 0 && seg.blocks[last].end-seg.blocks[last].start < blockSize {
				b := &seg.blocks[last]
				b.end = int64(r.offset)
				b.oldest, b.newest = min(b.oldest, e.Time), max(b.newest, e.Time)
				continue
			}
			seg.blocks = append(seg.blocks, block{int64(r.start), int64(r.offset), e.Time, e.Time})
		}
	}
	return nil
}

// reader reads records one after the other and passes over what is none.
type reader struct {
	data   []byte
	offset int // behind the record that was read
	start  int // its beginning
	event  Event
}

func (r *reader) next() bool {
	for r.offset < len(r.data) {
		r.start = r.offset
		line := r.line()
		if e, ok := parseRecord(line); ok {
			for r.offset < len(r.data) && r.data[r.offset] == '\t' {
				e.Message += "\n" + string(r.line()[1:])
			}
			if e.Ingested == 0 {
				e.Ingested = e.Time
				e.Message += "\n"
			}
			r.event = e
			return true
		}
	}
	return false
}

// line is the next line without its newline.
func (r *reader) line() []byte {
	rest := r.data[r.offset:]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		r.offset = len(r.data)
		return rest
	}
	r.offset += i + 1
	return rest[:i]
}

func parseRecord(line []byte) (Event, bool) {
	i := bytes.IndexByte(line, '\t')
	if i < len(timestamp) {
		return Event{}, false
	}
	t, err := time.Parse(timestamp, string(line[:len(timestamp)]))
	if err != nil {
		return Event{}, false
	}
	e := Event{Time: t.UnixMilli(), Message: string(line[i+1:])}
	if second := line[len(timestamp):i]; len(second) > 0 {
		t, err := time.Parse(" "+timestamp, string(second))
		if err != nil {
			return Event{}, false
		}
		e.Ingested = t.UnixMilli()
	}
	return e, true
}
