// Package outbox delivers what one service tells another, again and again where it has to:
//
//	box, err := outbox.Open(outbox.Config[letter]{Dir: dir, Deliver: deliver, Again: again, GiveUp: giveUp})
//	err = box.Send(l)
//
// What cannot be delivered at once is kept on disk until it has been, or has been given up: Send returns when
// a crash cannot lose it any more. A crash while it is delivered may deliver it twice.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pause"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config is what a Box is opened with. Its functions are called from many goroutines at once.
type Config[D any] struct {
	// Dir holds what waits; it is made if missing.
	Dir string
	// Deliver makes one attempt.
	Deliver func(ctx context.Context, d D) error
	// Again tells how long to wait when the attempts so far have failed, the last one with err; more is
	// false if there is to be no other one. age is how long ago the delivery was accepted.
	Again func(d D, attempts int, age time.Duration, err error) (wait time.Duration, more bool)
	// GiveUp is told what has not been delivered.
	GiveUp func(d D, attempts int, err error)
	// Problem is told what is wrong with the files.
	Problem func(error)
}

// maxWaiting is how many deliveries may wait at once, and maxUnderWay how many of them are tried at once.
const maxWaiting, maxUnderWay = 10_000, 64

// Box delivers. It is safe for concurrent use.
type Box[D any] struct {
	config Config[D]
	files  state.Folder[record[D]]
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	bell   pause.Bell

	mu       sync.Mutex
	waiting  map[string]*record[D] // by file
	underWay int
}

// record is a delivery that waits.
type record[D any] struct {
	File          string
	Delivery      D
	Attempts      int
	Accepted, Due time.Time
	busy          bool
}

// Open loads what waits and goes on with it.
func Open[D any](config Config[D]) (*Box[D], error) {
	b := &Box[D]{config: config, files: state.Folder[record[D]]{Dir: config.Dir}, bell: pause.NewBell(), waiting: map[string]*record[D]{}}
	left, err := b.files.Load()
	if err != nil {
		return nil, err
	}
	for _, r := range left {
		b.waiting[r.File] = &r
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.work.Go(func() { b.bell.Loop(b.ctx, b.dispatch) })
	return b, nil
}

// Close begins no attempt any more, and returns when none is under way. What waits is found by the next Open.
func (b *Box[D]) Close() error {
	b.cancel()
	b.work.Wait()
	return nil
}

// Send delivers d, or keeps it for later. An error says that neither was possible.
func (b *Box[D]) Send(d D) error {
	r := &record[D]{Delivery: d, Accepted: time.Now()}
	if b.settled(r) {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= maxWaiting {
		return &awsproto.Error{Code: "Throttling", Status: http.StatusTooManyRequests,
			Message: fmt.Sprintf("%d deliveries wait for their next attempt already: mend or remove what they are for", maxWaiting)}
	}
	r.File = fmt.Sprintf("%020d-%s", r.Accepted.UnixNano(), awsproto.NewID())
	if err := b.files.Save(r.File, *r); err != nil {
		return err
	}
	b.waiting[r.File] = r
	b.bell.Ring()
	return nil
}

// settled makes attempts until the next one has to wait, which it says by false.
func (b *Box[D]) settled(r *record[D]) bool {
	for {
		err := b.config.Deliver(b.ctx, r.Delivery)
		if err == nil {
			return true
		}
		if b.ctx.Err() != nil {
			return false // perhaps it was cut off: the next start tries again
		}
		r.Attempts++
		wait, more := b.config.Again(r.Delivery, r.Attempts, time.Since(r.Accepted), err)
		if !more {
			b.config.GiveUp(r.Delivery, r.Attempts, err)
			return true
		}
		if wait > 0 {
			r.Due = time.Now().Add(wait)
			return false
		}
	}
}

// dispatch begins the attempts that are due and tells how long there is none.
func (b *Box[D]) dispatch(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := time.Hour
	for _, r := range b.waiting {
		switch {
		case r.busy || b.underWay >= maxUnderWay:
		case r.Due.After(now):
			wait = min(wait, r.Due.Sub(now))
		default:
			r.busy = true
			b.underWay++
			b.work.Go(func() { b.retry(r) })
		}
	}
	return wait
}

func (b *Box[D]) retry(r *record[D]) {
	next := *r
	settled := b.settled(&next)
	var err error
	switch {
	case settled:
		err = b.files.Remove(r.File)
	case b.ctx.Err() == nil:
		err = b.files.Save(r.File, next)
	}
	if err != nil {
		b.config.Problem(errors.Join(fmt.Errorf("a delivery may be made once more after a restart"), err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.underWay--
	if settled {
		delete(b.waiting, r.File)
	} else {
		r.Attempts, r.Due, r.busy = next.Attempts, next.Due, false
	}
	b.bell.Ring()
}

// Lasting says that an error is the receiver's last word: it is not there, or lets nobody in, or does not
// take such a delivery. Anything else, a throttle among it, may be over the next time.
func Lasting(err error) bool {
	e := awsproto.From(err)
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests
}
