package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// record is what is kept of a queue beside its messages.
type record struct {
	Name              string
	Attributes        settings
	Tags              map[string]string
	Created, Modified time.Time
	ClientToken       string `json:",omitempty"` // of the input that made it
	PolicyMark        string `json:",omitempty"` // by which whoever set the policy knows it
}

// queue is one queue. Every message is either ready, to be received, or hidden: delayed or in flight.
type queue struct {
	name    string
	dir     string
	journal *journal

	mu       sync.Mutex
	info     record
	messages map[string]*message // by ID
	ready    line
	hidden   line
	inFlight int
	groups   map[string]int   // how many of a FIFO queue's group are in flight
	tokens   map[string]token // deduplication IDs of the last minutes, by their scope
	last     uint64           // sequence number
	live     int64            // bytes that the messages take in the journal, about
	changed  chan struct{}    // closed when there may be something to receive
	ended    bool
}

func newQueue(dir, name string, info record) *queue {
	return &queue{name: name, dir: dir, info: info, messages: map[string]*message{}, ready: line{before: bySequence}, hidden: line{before: byVisibility},
		groups: map[string]int{}, tokens: map[string]token{}, changed: make(chan struct{})}
}

// folder is where a queue is kept. Some file systems do not tell large letters from small ones.
func folder(dir, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(dir, name+"-"+hex.EncodeToString(sum[:4]))
}

// loadQueue reads a queue; nil is one whose creation or deletion a crash has cut short.
func loadQueue(dir string) (*queue, error) {
	var info record
	if err := state.Load(filepath.Join(dir, "queue.json"), &info); err != nil {
		return nil, err
	}
	if info.Name == "" {
		return nil, os.RemoveAll(dir)
	}
	q := newQueue(dir, info.Name, info)
	return q, q.open()
}

// open reads the messages.
func (q *queue) open() (err error) {
	q.journal, err = openJournal(filepath.Join(q.dir, "messages.log"), func(e entry) error {
		switch {
		case e.Put != nil:
			q.messages[e.Put.ID] = e.Put
			q.last = max(q.last, e.Put.Sequence)
		case e.Got != nil:
			if m := q.messages[e.Got.ID]; m != nil {
				m.apply(e.Got)
			}
		case e.Gone != "":
			delete(q.messages, e.Gone)
		case e.Seen != nil:
			q.tokens[e.Seen.key()] = *e.Seen
			q.last = max(q.last, e.Seen.Sequence)
		default:
			return errors.New("the line says nothing that is known here")
		}
		return nil
	})
	if err != nil {
		return err
	}
	t := now()
	for _, m := range q.messages {
		q.live += m.footprint()
		q.place(m, t)
	}
	return nil
}

// save makes info the queue's own. q.mu is held.
func (q *queue) save(info record) error {
	if err := state.Save(filepath.Join(q.dir, "queue.json"), info); err != nil {
		return fmt.Errorf("keeping queue %s: %w", info.Name, err)
	}
	q.info = info
	q.tell() // a policy or a timeout may have changed what can be received
	return nil
}

func (q *queue) settings() settings {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.info.Attributes
}

// tell wakes whoever waits for messages. q.mu is held.
func (q *queue) tell() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// end lets nobody wait any more.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.tell()
}

// place puts a message where it belongs now. q.mu is held.
func (q *queue) place(m *message, t time.Time) {
	if !m.Visible.After(t) {
		q.ready.add(m)
		return
	}
	q.hidden.add(m)
	if m.Receives > 0 {
		q.inFlight++
		q.groups[m.Group]++
	}
}

// displace takes a message out of where it waits. q.mu is held.
func (q *queue) displace(m *message) {
	hidden := m.line == &q.hidden
	m.leave()
	if hidden && m.Receives > 0 {
		q.inFlight--
		if q.groups[m.Group]--; q.groups[m.Group] == 0 {
			delete(q.groups, m.Group)
		}
	}
}

// forget removes a message that waits. q.mu is held.
func (q *queue) forget(m *message) {
	q.displace(m)
	delete(q.messages, m.ID)
	q.live -= m.footprint()
}

// settle makes ready what is hidden no longer. q.mu is held.
func (q *queue) settle(t time.Time) {
	for q.hidden.Len() > 0 && !q.hidden.peek().Visible.After(t) {
		m := q.hidden.peek()
		q.displace(m)
		q.ready.add(m)
	}
}

// garbage is how much of a journal may be of what is gone before it is written anew.
const garbage = 4 << 20

// compact writes the journal anew when most of it is of messages that are gone. q.mu is held.
func (q *queue) compact(t time.Time) error {
	if n := q.journal.bytes(); n < garbage || n < 2*q.live {
		return nil
	}
	for key, seen := range q.tokens {
		if seen.over(t) {
			delete(q.tokens, key)
		}
	}
	return q.journal.rewrite(func(write func(entry) error) error {
		for _, seen := range q.tokens {
			if err := write(entry{Seen: &seen}); err != nil {
				return err
			}
		}
		for _, m := range q.messages {
			if err := write(entry{Put: m}); err != nil {
				return err
			}
		}
		return nil
	})
}
