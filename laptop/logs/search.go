package logs

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Event is a log event. Its times are in ms since 1970.
type Event struct {
	ID       string // 56 digits; the same whenever it is read
	Stream   string
	Time     int64
	Ingested int64
	Message  string

	key key
}

// key orders events: by time, then by stream, then by place.
type key struct {
	time   int64
	stream string
	place  int64 // the segment's number and the offset in it
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.time, o.time), strings.Compare(k.stream, o.stream), cmp.Compare(k.place, o.place))
}

func placeOf(segment int, offset int64) int64 { return int64(segment)<<32 | offset }

// What one page may hold, and what one call reads at most before it answers with what it has.
const (
	pageEvents = 10_000
	pageBytes  = 1 << 20
	readBytes  = 64 << 20
)

// search is one look at some streams' events in their order. Blocks stand in a heap beside events,
// each by the earliest key that an event in it can have, and are read only when their turn comes.
type search struct {
	ctx        context.Context
	streams    []*stream
	from, to   int64 // ms, both included
	descending bool
	// after, unless nil, is passed by all events that are found; at, unless nil, is passed or met.
	after, at *key
	matches   func(string) bool
	limit     int
}

// found is what a search has found. next is where the next page begins; nil after the last.
type found struct {
	events []Event
	next   *key
}

func (q *search) run() (found, error) {
	h := &agenda{descending: q.descending}
	for _, st := range q.streams {
		if err := q.gather(h, st); err != nil {
			return found{}, err
		}
	}
	heap.Init(h)
	var out found
	size, read := 0, int64(0)
	for h.Len() > 0 {
		top := h.items[0]
		if len(out.events) == q.limit || read > readBytes {
			out.next = &top.key
			return out, nil
		}
		if top.block != nil {
			if err := q.ctx.Err(); err != nil {
				return found{}, err
			}
			read += top.block.end - top.block.start
			events, err := q.load(top)
			if err != nil {
				return found{}, err
			}
			h.replace(item{events: events})
			continue
		}
		e := top.events[0]
		if size += len(e.Message); size > pageBytes && len(out.events) > 0 {
			out.next = &top.key
			return out, nil
		}
		e.ID = eventID(e.key)
		out.events = append(out.events, e)
		h.replace(item{events: top.events[1:]})
	}
	return out, nil
}

// gather puts the blocks of a stream into the agenda that may hold what is sought.
func (q *search) gather(h *agenda, st *stream) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.index(); err != nil {
		return err
	}
	for _, seg := range st.segments {
		for _, b := range seg.blocks {
			if b.newest < q.from || b.oldest > q.to || q.passed(b) {
				continue
			}
			k := key{b.oldest, st.name, placeOf(seg.number, b.start)}
			if q.descending {
				k = key{b.newest, st.name, placeOf(seg.number, b.end)}
			}
			h.items = append(h.items, item{key: k, block: &b, path: st.path(seg.number), segment: seg.number})
		}
	}
	return nil
}

// passed says that a block lies before the page.
func (q *search) passed(b block) bool {
	for _, k := range []*key{q.after, q.at} {
		if k != nil && (!q.descending && b.newest < k.time || q.descending && b.oldest > k.time) {
			return true
		}
	}
	return false
}

// load reads the events of a block that are sought, in order.
func (q *search) load(it item) ([]Event, error) {
	f, err := os.Open(it.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it has gone since: what is too old does
	}
	if err != nil {
		return nil, fmt.Errorf("reading log events: %w", err)
	}
	defer f.Close()
	data := make([]byte, it.block.end-it.block.start)
	n, err := f.ReadAt(data, it.block.start)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading log events: %w", err)
	}
	var events []Event
	for r := (reader{data: data[:n]}); r.next(); {
		e := r.event
		if e.Time < it.block.oldest || e.Time > it.block.newest {
			continue // the stream was deleted meanwhile, and this is of the next one with its name
		}
		e.Stream = it.key.stream
		e.key = key{e.Time, e.Stream, placeOf(it.segment, it.block.start+int64(r.start))}
		if q.wants(e) {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b Event) int {
		if q.descending {
			a, b = b, a
		}
		return a.key.compare(b.key)
	})
	return events, nil
}

func (q *search) wants(e Event) bool {
	if e.Time < q.from || e.Time > q.to {
		return false
	}
	sign := 1
	if q.descending {
		sign = -1
	}
	if q.after != nil && sign*e.key.compare(*q.after) <= 0 || q.at != nil && sign*e.key.compare(*q.at) < 0 {
		return false
	}
	return q.matches == nil || q.matches(e.Message)
}

// agenda is a heap of what comes next.
type agenda struct {
	descending bool
	items      []item
}

// item is a block that is still to be read, or events of one in order.
type item struct {
	key     key
	block   *block
	path    string
	segment int
	events  []Event
}

// replace puts what is left of the first item in its place.
func (h *agenda) replace(it item) {
	if len(it.events) == 0 {
		heap.Pop(h)
		return
	}
	it.key = it.events[0].key
	h.items[0] = it
	heap.Fix(h, 0)
}

func (h *agenda) Len() int { return len(h.items) }
func (h *agenda) Less(i, j int) bool {
	if h.descending {
		i, j = j, i
	}
	return h.items[i].key.compare(h.items[j].key) < 0
}
func (h *agenda) Swap(i, j int) { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *agenda) Push(x any)    { h.items = append(h.items, x.(item)) }
func (h *agenda) Pop() any {
	last := h.items[len(h.items)-1]
	h.items = h.items[:len(h.items)-1]
	return last
}
