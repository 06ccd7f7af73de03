package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// stream is a log stream: at most two files, its segments, of which the older goes when the newer
// is full.
type stream struct {
	group   *group
	name    string
	base    string // the files' path without .NUMBER.log
	created int64  // ms

	mu       sync.Mutex
	segments []*segment // oldest first
	file     *os.File   // of the last segment, while somebody writes it
	writers  int
	touched  int64 // ms: when it was written last
	ingested int64 // ms: the newest ingestion time, once indexed
	gone     bool  // deleted
}

// LogStream is a log stream as it stands. Times are in ms since 1970; those of events are 0 where
// there are none.
type LogStream struct {
	Name                                          string
	ARN                                           string
	Created, FirstEvent, LastEvent, LastIngestion int64
}

var streamName = regexp.MustCompile(`^[^:*]{1,512}$`)

// fileName is the name of what holds a group or a stream: as much of its name as a file may have,
// and what tells it from all others.
func fileName(name string) string {
	sum := sha256.Sum256([]byte(name))
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_-$[]", r):
			return r
		}
		return '-'
	}, name)
	return strings.Trim(plain[:min(len(plain), 100)], "-") + "-" + hex.EncodeToString(sum[:6])
}

// CreateLogStream makes an empty stream.
func (s *Service) CreateLogStream(groupID, name string) error {
	if !streamName.MatchString(name) {
		return invalid("logStreamName %q: 1 to 512 characters, none of them : or *", name)
	}
	g, err := s.group(groupID)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.streams[name] != nil {
		return awsproto.Errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	st, err := g.make(name)
	if err != nil {
		return err
	}
	defer g.prune()
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.release()
}

// make makes a stream and leaves its file open. The caller holds g.mu.
func (g *group) make(name string) (*stream, error) {
	if g.deleted {
		return nil, awsproto.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	t := now().UnixMilli()
	st := &stream{group: g, name: name, base: filepath.Join(g.dir, fileName(name)), created: t, touched: t}
	if err := st.begin(1); err != nil {
		return nil, fmt.Errorf("making log stream %s: %w", name, err)
	}
	g.streams[name] = st
	return st, nil
}

// DeleteLogStream removes a stream with its events.
func (s *Service) DeleteLogStream(groupID, name string) error {
	g, err := s.group(groupID)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.streams[name]
	if st == nil {
		return errNoStream()
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(g.streams, name)
	return st.end()
}

func errNoStream() error {
	return awsproto.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
}

// Streams are the streams of a group whose names begin with prefix, by name.
func (s *Service) Streams(groupID, prefix string) ([]LogStream, error) {
	g, err := s.group(groupID)
	if err != nil {
		return nil, err
	}
	var all []LogStream
	for _, st := range g.choose(nil, prefix) {
		st.mu.Lock()
		err := st.index()
		d := LogStream{Name: st.name, ARN: s.arn(g.name) + ":log-stream:" + st.name, Created: st.created}
		d.FirstEvent, d.LastEvent, d.LastIngestion = st.oldest(), st.newest(), st.ingested
		st.mu.Unlock()
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// choose are the streams with one of the names, or else with the prefix, by name.
func (g *group) choose(names []string, prefix string) []*stream {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*stream
	for name, st := range g.streams {
		if names != nil && slices.Contains(names, name) || names == nil && strings.HasPrefix(name, prefix) {
			all = append(all, st)
		}
	}
	slices.SortFunc(all, func(a, b *stream) int { return strings.Compare(a.name, b.name) })
	return all
}

// The methods below are called with st.mu held.

func (st *stream) path(number int) string { return fmt.Sprintf("%s.%d.log", st.base, number) }

func (st *stream) size() int64 {
	total := int64(0)
	for _, seg := range st.segments {
		total += seg.size
	}
	return total
}

// begin starts a new segment, which has the file from now on, and drops the oldest of three.
func (st *stream) begin(number int) error {
	f, err := os.OpenFile(st.path(number), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	header := st.header()
	n, err := f.Write(header)
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	st.file = f
	st.segments = append(st.segments, &segment{number: number, size: int64(n), indexed: true})
	if len(st.segments) > 2 {
		return st.drop()
	}
	return nil
}

// drop removes the oldest segment; one that somebody else has removed is gone all the same.
func (st *stream) drop() error {
	err := os.Remove(st.path(st.segments[0].number))
	st.segments = slices.Delete(st.segments, 0, 1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// acquire opens the last segment for writing at its good end.
func (st *stream) acquire() error {
	if st.file != nil {
		return nil
	}
	if err := st.index(); err != nil {
		return err
	}
	if len(st.segments) == 0 {
		return st.begin(1)
	}
	last := st.segments[len(st.segments)-1]
	f, err := os.OpenFile(st.path(last.number), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) { // somebody has removed it
		return st.begin(last.number + 1)
	}
	if err != nil {
		return err
	}
	err = f.Truncate(last.size)
	if err == nil {
		_, err = f.Seek(last.size, 0)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	st.file = f
	return nil
}

// release closes the file when nobody writes it.
func (st *stream) release() error {
	if st.file == nil || st.writers > 0 {
		return nil
	}
	f := st.file
	st.file = nil
	return f.Close()
}

// end removes a stream for good.
func (st *stream) end() (err error) {
	st.gone = true
	if st.file != nil {
		err = st.file.Close()
		st.file = nil
	}
	for len(st.segments) > 0 {
		err = errors.Join(err, st.drop())
	}
	return err
}

// write appends records to the last segment, or to a new one when that is full.
func (st *stream) write(b *batch, limit int64) error {
	if err := st.acquire(); err != nil {
		return err
	}
	last := st.segments[len(st.segments)-1]
	if len(last.blocks) > 0 && last.size+int64(len(b.data)) > limit {
		if err := st.file.Close(); err != nil {
			return err
		}
		st.file = nil
		if err := st.begin(last.number + 1); err != nil {
			return err
		}
		last = st.segments[len(st.segments)-1]
	}
	n, err := st.file.Write(b.data)
	if err != nil {
		// What was written of it is cut off: half a record must not meet the next one.
		_, serr := st.file.Seek(last.size, 0)
		return errors.Join(err, st.file.Truncate(last.size), serr)
	}
	last.add(int64(n), b.oldest, b.newest)
	st.ingested = max(st.ingested, b.ingested)
	st.touched = b.ingested
	return nil
}

// expire drops the segments of which all events are older than cutoff, but for the one that is
// written.
func (st *stream) expire(cutoff int64) {
	if err := st.index(); err != nil {
		st.group.service.config.Problem(err)
		return
	}
	for len(st.segments) > 1 && st.segments[0].newest() < cutoff {
		if err := st.drop(); err != nil {
			st.group.service.config.Problem(err)
			return
		}
	}
}

func (st *stream) oldest() int64 {
	oldest := int64(0)
	for _, seg := range st.segments {
		for _, b := range seg.blocks {
			if oldest == 0 || b.oldest < oldest {
				oldest = b.oldest
			}
		}
	}
	return oldest
}

func (st *stream) newest() int64 {
	newest := int64(0)
	for _, seg := range st.segments {
		newest = max(newest, seg.newest())
	}
	return newest
}
