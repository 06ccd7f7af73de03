package metrics

import (
	"fmt"
	"time"

	"github.com/ephor-io/ephor/line"
)

// A cutter makes batches of what was measured since it made the last one. The publisher's lock
// guards it.
type cutter struct {
	set    *Set
	common []Tag

	invocation, publisher, runtime line.Series
	instruments                    []line.Series // of the set's instruments, by their place

	runtimeStats runtimeStats
	invocations  sequence // of the times of invocations
	cuts         sequence // of the times of all other points
	last         moment   // of the last batch
	size         int      // of the last batch: the next will be about as long
}

// A record is what is known of an invocation at its end.
type record struct {
	end        time.Time
	durationMS float64
	memoryMB   float64
	initMS     float64
	cold       bool
	failed     bool
	reason     string // of a failure
}

// stats are about the batches before the one that tells them, since the process started.
type stats struct {
	seq     int64 // this batch's number, from 1: the one exception
	points  int64 // acknowledged by the store
	bytes   int64 // acknowledged by the store, as the line protocol
	flush   time.Duration
	retries int64 // batches sent again
	dropped int64 // points given up: refused by the store, or pushed out by newer ones
	freezes int64
	frozen  time.Duration
}

func newCutter(set *Set, common []Tag) (*cutter, error) {
	c := &cutter{set: set, common: common}
	for name, s := range map[string]*line.Series{
		invocationName: &c.invocation, publisherName: &c.publisher, runtimeName: &c.runtime,
	} {
		var err error
		if *s, err = line.NewSeries(name, common...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// A sequence makes of times such as strictly increase, in the order in which they are asked for, whatever
// the wall clock does and whichever of two invocations at once ended first.
type sequence int64

func (q *sequence) next(t time.Time) time.Time {
	*q = max(*q+1, sequence(t.UnixNano()))
	return time.Unix(0, int64(*q))
}

// unencoded are points that the line protocol cannot hold.
type unencoded struct {
	points int
	why    string // of the first
}

func (u *unencoded) add(name string, err error) {
	if u.points++; u.points == 1 {
		u.why = fmt.Sprintf("%s: the line protocol cannot hold them: %v", name, err)
	}
}

// cut returns nil if nothing has happened since the last batch, unless this is to be the final
// one, or an invocation runs and the last batch is longEvery ago. failed are the points that could not be encoded.
func (c *cutter) cut(now moment, records []record, st *stats, runs, final bool) (b *batch, failed unencoded) {
	b = &batch{body: make([]byte, 0, c.size+c.size/4+512)}
	add := func(name string, body []byte, err error) {
		if err != nil {
			failed.add(name, err)
		} else if len(body) > len(b.body) {
			b.points++
		}
		b.body = body
	}
	inOrder(records)
	for i := range records {
		body, err := records[i].appendPoint(b.body, c.invocation, c.invocations.next(records[i].end))
		add(invocationName, body, err)
	}
	at := c.cuts.next(now.wall)
	list := c.set.instruments()
	for i := len(c.instruments); i < len(list); i++ {
		// Name and tags were checked when the instrument was made, and the common ones when the
		// publisher was, so the only error left is of length; it comes back with every point.
		s, _ := line.NewSeries(list[i].name, append(list[i].tags[:len(list[i].tags):len(list[i].tags)], c.common...)...)
		c.instruments = append(c.instruments, s)
	}
	for i := range list {
		body, err := list[i].appendPoint(b.body, c.instruments[i], at)
		add(list[i].name, body, err)
	}
	if b.points == 0 && failed.points == 0 && !final && !(runs && now.since(c.last) >= longEvery) {
		return nil, failed
	}
	c.last = now
	if c.runtimeStats.due(now) {
		body, err := c.runtimeStats.appendPoint(b.body, c.runtime, at, now)
		add(runtimeName, body, err)
	}
	st.seq++
	body, err := st.appendPoint(b.body, c.publisher, at, final)
	add(publisherName, body, err)
	c.size = len(b.body)
	return b, failed
}

// inOrder sorts records by their ends. They are nearly so already, which is why they are moved one by one; a sort of package
// slices would be 10 KB of every function's program.
func inOrder(records []record) {
	for i := 1; i < len(records); i++ {
		r, to := records[i], i
		for ; to > 0 && r.end.Before(records[to-1].end); to-- {
			records[to] = records[to-1]
		}
		records[to] = r
	}
}

// cutLast returns a final batch of nothing but the publisher's point.
func (c *cutter) cutLast(now moment, st *stats) (*batch, error) {
	st.seq++
	body, err := st.appendPoint(nil, c.publisher, c.cuts.next(now.wall), true)
	return &batch{body: body, points: 1}, err
}

func (r *record) appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error) {
	var fields [6]line.Field
	f := append(fields[:0], line.Bool("cold", r.cold), line.Float("duration_ms", r.durationMS))
	if r.failed {
		f = append(f, line.String("error", r.reason))
	}
	if r.cold {
		f = append(f, line.Float("init_ms", r.initMS))
	}
	f = append(f, line.Float("memory_mb", r.memoryMB), line.Bool("ok", !r.failed))
	return s.Append(dst, t, f...)
}

func (st *stats) appendPoint(dst []byte, s line.Series, t time.Time, final bool) ([]byte, error) {
	var fields [9]line.Field
	f := append(fields[:0], line.Int("bytes", st.bytes), line.Int("dropped", st.dropped))
	if final {
		f = append(f, line.Bool("final", true))
	}
	f = append(f,
		line.Float("flush_ms", milliseconds(st.flush)), line.Int("freezes", st.freezes),
		line.Float("frozen_ms", milliseconds(st.frozen)), line.Int("points", st.points),
		line.Int("retries", st.retries), line.Int("seq", st.seq))
	return s.Append(dst, t, f...)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
