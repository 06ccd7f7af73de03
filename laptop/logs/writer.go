package logs

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Writer writes one stream, line by line, as Lambda does for an execution environment. It is not
// safe for concurrent use; two writers of one stream are.
type Writer struct {
	service     *Service
	group, name string
	stream      *stream // nil while there is none to write to
	batch       batch
	told        bool // of a problem
}

// batch is records that are written together.
type batch struct {
	data           []byte
	oldest, newest int64 // ms, of its events
	ingested       int64
}

func (b *batch) add(at time.Time) {
	t := at.UnixMilli()
	if len(b.data) == 0 {
		b.oldest, b.newest, b.ingested = t, t, t
	}
	b.oldest, b.newest, b.ingested = min(b.oldest, t), max(b.newest, t), max(b.ingested, t)
	b.data = at.UTC().AppendFormat(b.data, timestamp)
}

// text ends a record with its message.
func (b *batch) text(message []byte) {
	b.data = append(b.data, '\t')
	for {
		i := bytes.IndexByte(message, '\n')
		if i < 0 {
			break
		}
		b.data = append(append(b.data, message[:i]...), "\n\t"...)
		message = message[i+1:]
	}
	b.data = append(append(b.data, message...), '\n')
}

// OpenStream makes a stream for a writer, and its group if there is none; the group's name must
// be one that CreateLogGroup takes. A stream that cannot be written loses its lines and says so
// through Config.Problem: whoever writes logs goes on.
func (s *Service) OpenStream(group, name string) *Writer {
	w := &Writer{service: s, group: group, name: name}
	w.attach()
	return w
}

// attach finds or makes the stream and its file.
func (w *Writer) attach() {
	g, err := w.service.ensure(w.group)
	if err == nil {
		err = w.join(g)
	}
	if err != nil {
		w.problem(err)
	}
}

func (w *Writer) join(g *group) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.streams[w.name]
	if st == nil {
		var err error
		if st, err = g.make(w.name); err != nil {
			return err
		}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.acquire(); err != nil {
		return err
	}
	if st.writers++; st.writers == 1 {
		g.open.Add(1)
	}
	w.stream = st
	return nil
}

func (w *Writer) problem(err error) {
	if !w.told {
		w.told = true
		w.service.config.Problem(fmt.Errorf("writing the log stream %s of %s: %w", w.name, w.group, err))
	}
}

// Append takes a line without its newline, which may change afterwards. It is readable and durable
// after Commit.
func (w *Writer) Append(at time.Time, line []byte) {
	w.batch.add(at)
	w.batch.text(line)
}

// Commit writes what was appended: one system call.
func (w *Writer) Commit() {
	if len(w.batch.data) == 0 {
		return
	}
	if w.stream == nil {
		w.attach()
	}
	if w.stream != nil {
		err := w.commit()
		if errors.Is(err, errGone) { // somebody has deleted it: Lambda makes another
			w.detach()
			if w.attach(); w.stream != nil {
				err = w.commit()
			}
		}
		if err != nil && !errors.Is(err, errGone) {
			w.problem(err)
		}
	}
	w.batch.data = w.batch.data[:0]
	if cap(w.batch.data) > 64<<10 {
		w.batch.data = nil
	}
}

var errGone = errors.New("the log stream was deleted")

func (w *Writer) commit() error {
	st := w.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.gone {
		return errGone
	}
	return st.write(&w.batch, st.group.half())
}

// detach gives the stream up.
func (w *Writer) detach() {
	st := w.stream
	w.stream = nil
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.writers--; st.writers == 0 {
		st.group.open.Add(-1)
		if err := st.release(); err != nil {
			w.problem(err)
		}
	}
}

// Close writes what was appended and ends the stream. When its group has too many that nobody
// writes, the oldest of them go.
func (w *Writer) Close() {
	w.Commit()
	if w.stream == nil {
		return
	}
	g := w.stream.group
	w.detach()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.prune()
}
