package influx

import (
	"slices"
	"sync"

	"github.com/influxdata/influxdb/models"
)

// Writes that come while another is on its way to the disk are joined into one. Every write has to be
// synced before it is answered, and the engine holds its log while it syncs: by themselves, a hundred small
// writes at the same time are a hundred syncs one after another.
//
//	one      write ──── sync ─┐
//	two         └─ waits ─────┼─ write two, three, four ── sync ─┐
//	three          └─ waits ──┤                                  │
//	four              └─ waits┘                       five waits ┴─ write five …
//
// If the joined write fails, each is made by itself and has its own answer: points may be written twice.
type joiner struct {
	store func(batch) error

	mu     sync.Mutex
	queues map[destination][]*joined // of those to which a write is on its way
}

// batch is points on their way to one place.
type batch struct {
	points []models.Point
	level  models.ConsistencyLevel
	to     destination
}

// joined is a write that waits for the one before it.
type joined struct {
	batch
	turn chan []*joined // its turn has come, and that of others with it: it writes all of them
	done chan bool      // another has tried to write it, and has or has not
}

// A write of more points is made by itself, and as many are joined at most: it takes longer than the sync.
const maxJoined = 5000

func newJoiner(store func(batch) error) *joiner {
	return &joiner{store: store, queues: map[destination][]*joined{}}
}

// write returns when b is on disk, or with what kept it from that.
func (j *joiner) write(b batch) error {
	if len(b.points) > maxJoined {
		return j.store(b)
	}
	j.mu.Lock()
	queue, busy := j.queues[b.to]
	if !busy {
		j.queues[b.to] = nil
		j.mu.Unlock()
		defer j.next(b.to)
		return j.store(b)
	}
	w := &joined{batch: b, turn: make(chan []*joined, 1), done: make(chan bool, 1)}
	j.queues[b.to] = append(queue, w)
	j.mu.Unlock()
	select {
	case others := <-w.turn:
		return j.writeAll(w, others)
	case ok := <-w.done:
		if ok {
			return nil
		}
		return j.store(b)
	}
}

// writeAll writes w together with others.
func (j *joiner) writeAll(w *joined, others []*joined) error {
	all := w.batch
	if len(others) > 0 {
		all.points = slices.Clone(all.points)
		for _, o := range others {
			all.points = append(all.points, o.points...)
		}
	}
	err := j.store(all)
	j.next(w.to)
	for _, o := range others {
		o.done <- err == nil
	}
	if err != nil && len(others) > 0 {
		return j.store(w.batch)
	}
	return err
}

// next gives the turn to those that wait, as many as may be joined.
func (j *joiner) next(to destination) {
	j.mu.Lock()
	defer j.mu.Unlock()
	queue := j.queues[to]
	if len(queue) == 0 {
		delete(j.queues, to)
		return
	}
	first, points, n := queue[0], len(queue[0].points), 1
	for n < len(queue) && points+len(queue[n].points) <= maxJoined && queue[n].level == first.level {
		points += len(queue[n].points)
		n++
	}
	j.queues[to] = queue[n:]
	first.turn <- queue[1:n:n]
}
