package lambda

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// queuedEvent is an asynchronous invocation that was accepted and is not done: one file each, which
// is there before the caller is answered and until the last attempt is over. A crash in between
// costs nothing, but may repeat an attempt, as Lambda may.
type queuedEvent struct {
	RequestID     string
	Function      string // name
	Qualifier     string // as it was said; may be empty
	Payload       []byte
	ClientContext string
	TraceID       string
	TenantID      string
	Cognito       CognitoIdentity
	Accepted      time.Time
	NotBefore     time.Time // of the next attempt
	Attempts      int       // that were made, throttled ones not counted
	Depth         int       // how many destinations have led here
}

// maxQueuedBytes is what all queued events together may have as payload.
const maxQueuedBytes = 1 << 30

// queue are the asynchronous invocations of all functions, each function's in a lane of its own, so
// that one that is throttled holds up nobody else.
type queue struct {
	service *Service
	dir     string
	cancel  context.CancelFunc
	ctx     context.Context // done when nothing is to be started any more
	wake    chan struct{}   // buffered
	work    sync.WaitGroup

	mu    sync.Mutex
	lanes map[string]*lane // by function
	count int
	bytes int64
}

// lane is one function's part of the queue. As many attempts are under way as the function has
// borne: one more after each that was not throttled, half as many after one that was.
type lane struct {
	waiting   []waitingEvent // by due, then in order of arrival
	underWay  int
	window    int
	throttled int // in a row
	paused    time.Time
}

const (
	firstWindow = 64
	maxWindow   = 1000
	maxBackOff  = 5 * time.Minute
)

type waitingEvent struct {
	file string
	size int64
	due  time.Time
}

// openQueue finds what was left. A file that cannot be read is set aside.
func openQueue(s *Service) (*queue, error) {
	q := &queue{service: s, dir: s.dir("queue"), wake: make(chan struct{}, 1), lanes: map[string]*lane{}}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	if err := os.MkdirAll(q.dir, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(q.dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".json" || file.Name()[0] == '.' {
			continue
		}
		e, err := q.read(file.Name())
		if err != nil {
			s.setAside("an asynchronous invocation", q.path(file.Name()), err)
			continue
		}
		q.put(e.Function, waitingEvent{file.Name(), int64(len(e.Payload)), e.NotBefore})
	}
	return q, nil
}

func (q *queue) path(file string) string { return filepath.Join(q.dir, file) }

// read reads an event.
func (q *queue) read(file string) (queuedEvent, error) {
	var e queuedEvent
	err := state.Load(q.path(file), &e)
	if err == nil && e.Function == "" {
		err = fmt.Errorf("reading %s: no event for a function: %w", q.path(file), fs.ErrInvalid)
	}
	return e, err
}

// accept makes an event durable and queues it.
func (q *queue) accept(e queuedEvent) error {
	q.mu.Lock()
	full := q.count >= q.service.cfg.queueLimit || q.bytes+int64(len(e.Payload)) > maxQueuedBytes
	q.mu.Unlock()
	if full {
		return &Throttled{Reason: "CallerRateLimitExceeded"}
	}
	w := waitingEvent{fmt.Sprintf("%020d-%s.json", e.Accepted.UnixNano(), awsproto.NewID()), int64(len(e.Payload)), e.NotBefore}
	if err := state.Save(q.path(w.file), e); err != nil {
		return fmt.Errorf("queuing an event: %w", err)
	}
	q.put(e.Function, w)
	return nil
}

// put adds an event to its lane.
func (q *queue) put(function string, w waitingEvent) {
	q.mu.Lock()
	q.count++
	q.bytes += w.size
	l := q.lanes[function]
	if l == nil {
		l = &lane{window: firstWindow}
		q.lanes[function] = l
	}
	l.insert(w)
	q.mu.Unlock()
	q.nudge()
}

// insert keeps the order of due.
func (l *lane) insert(w waitingEvent) {
	i, _ := slices.BinarySearchFunc(l.waiting, w, func(a, b waitingEvent) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.file, b.file))
	})
	l.waiting = slices.Insert(l.waiting, i, w)
}

func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default: // it has been told already
	}
}

// run starts what is due, until stop.
func (q *queue) run() {
	q.work.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			timer.Reset(q.dispatch())
			select {
			case <-q.ctx.Done():
				return
			case <-q.wake:
			case <-timer.C:
			}
		}
	})
}

// dispatch starts what is due and returns how long nothing else is.
func (q *queue) dispatch() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	next := time.Hour
	for function, l := range q.lanes {
		for len(l.waiting) > 0 && l.underWay < l.window {
			w := l.waiting[0]
			if wait := max(w.due.Sub(now), l.paused.Sub(now)); wait > 0 {
				next = min(next, wait)
				break
			}
			l.waiting = l.waiting[1:] // not Delete, which would move all the others
			l.underWay++
			q.work.Go(func() { q.done(function, w, q.attempt(w)) })
		}
	}
	return next
}

// verdict is what an attempt has led to.
type verdict struct {
	throttled bool
	again     bool      // it is to be tried again
	due       time.Time // when
}

// done settles an attempt's lane.
func (q *queue) done(function string, w waitingEvent, o verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.nudge()
	l := q.lanes[function]
	l.underWay--
	if o.throttled {
		// The others that were under way meet the same limit: together they are one throttle.
		if now := time.Now(); !now.Before(l.paused) {
			l.window = max(l.window/2, 1)
			l.paused = now.Add(min(q.service.cfg.backOff<<min(l.throttled, 20), maxBackOff))
			l.throttled++
		}
	} else {
		l.throttled = 0
		l.window = min(l.window+1, maxWindow)
	}
	if o.again {
		w.due = o.due
		l.insert(w)
		return
	}
	q.count--
	q.bytes -= w.size
	if len(l.waiting) == 0 && l.underWay == 0 {
		delete(q.lanes, function)
	}
}

// stop starts nothing any more. What waits stays for the next start.
func (q *queue) stop() { q.cancel() }

// wait returns when no attempt is under way.
func (q *queue) wait() { q.work.Wait() }
