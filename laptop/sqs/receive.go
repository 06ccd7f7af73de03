package sqs

import (
	"context"
	"fmt"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Receiving says how messages are to be received.
type Receiving struct {
	Max int // messages at most, 1 to 10; 0 means 1
	// Visibility is how long nobody else gets them, and Wait how long to wait if there are none;
	// nil means what the queue says.
	Visibility, Wait *time.Duration
}

// sender is the SenderId of all messages: who sent one is not looked at.
const sender = "AIDAEPHOREPHOREPHOR00"

// maxInFlight is how many messages may be received and not deleted. Who waits for messages, or asks a FIFO queue, gets
// none beyond it, and everybody else an error. See
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
const maxInFlight = 120_000

// maxVisibility is how long a message may be hidden from others, counted from when it was received.
const maxVisibility = 12 * time.Hour

// Receive gets messages from a queue, oldest first; a FIFO queue's of one group stay in order, and
// none follows while one of them is in flight. Messages that were received too often go to the dead
// letter queue instead, if the queue has one.
func (s *Service) Receive(ctx context.Context, id string, in Receiving) ([]Message, error) {
	q, err := s.find(id)
	if err != nil {
		return nil, err
	}
	a := q.settings()
	limit, visibility, wait := max(in.Max, 1), a.seconds("VisibilityTimeout"), a.seconds("ReceiveMessageWaitTimeSeconds")
	if in.Visibility != nil {
		visibility = *in.Visibility
	}
	if in.Wait != nil {
		wait = *in.Wait
	}
	switch {
	case in.Max < 0 || in.Max > 10:
		return nil, invalid("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", in.Max)
	case visibility < 0 || visibility > maxVisibility:
		return nil, badVisibility(visibility)
	case wait < 0 || wait > 20*time.Second:
		return nil, invalid("Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", int(wait.Seconds()))
	}
	deadline := time.Now().Add(wait)
	for {
		got, err := s.take(q, limit, visibility)
		if err != nil || len(got.messages) > 0 {
			return got.messages, err
		}
		if got.moved {
			continue
		}
		if got.full && wait == 0 {
			return nil, &awsproto.Error{Code: "OverLimit", Status: 403, Message: fmt.Sprintf("%d messages of the queue are in flight, which is the limit: delete those that are done", maxInFlight)}
		}
		until := deadline
		if !got.next.IsZero() && got.next.Before(until) {
			until = got.next
		}
		if !time.Now().Before(deadline) || !await(ctx, got.changed, until) {
			return nil, ctx.Err()
		}
	}
}

// taken is what there was to receive.
type taken struct {
	messages []Message
	moved    bool            // dead letters went away
	full     bool            // as many are in flight as may be, of a standard queue
	changed  <-chan struct{} // closed when it is worth to look again
	next     time.Time       // when it is, too; zero if nothing is hidden
}

// take receives what is ready.
func (s *Service) take(q *queue, limit int, visibility time.Duration) (taken, error) {
	q.mu.Lock()
	out, dead, policy, err := q.take(limit, visibility)
	if len(dead) > 0 {
		s.moves.Add(1)
	}
	q.mu.Unlock()
	if len(dead) > 0 {
		s.bury(q, policy.Target, dead)
		s.moves.Done()
		out.moved = true
	}
	return out, err
}

func (q *queue) take(limit int, visibility time.Duration) (out taken, dead []*message, policy *redrive, err error) {
	if q.ended {
		return out, nil, nil, closing()
	}
	t := now()
	q.settle(t)
	policy = q.info.Attributes.redrive()
	fifo := q.info.Attributes.fifo()
	retention := q.info.Attributes.seconds("MessageRetentionPeriod")
	var live, blocked, expired []*message
	for q.ready.Len() > 0 && len(live) < limit && q.inFlight+len(live) < maxInFlight {
		m := q.ready.first()
		switch {
		case t.Sub(m.Sent) >= retention:
			expired = append(expired, m)
		case fifo && q.groups[m.Group] > 0:
			blocked = append(blocked, m)
		case policy != nil && m.Receives >= policy.Max:
			dead = append(dead, m)
		default:
			live = append(live, m)
		}
	}
	out.full = q.inFlight >= maxInFlight && !fifo
	var entries []entry
	for _, m := range expired {
		entries = append(entries, entry{Gone: m.ID})
	}
	before := make([]receipt, len(live))
	for i, m := range live {
		before[i] = *m.receipt()
		m.Receives++
		if m.First.IsZero() {
			m.First = t
		}
		m.Taken, m.Visible = t, t.Add(visibility)
		entries = append(entries, entry{Got: m.receipt()})
	}
	if len(entries) > 0 {
		if _, werr := q.journal.append(entries...); werr != nil {
			for i, m := range live {
				m.apply(&before[i])
			}
			for _, m := range append(append(append(live, blocked...), expired...), dead...) {
				q.ready.add(m)
			}
			return out, nil, nil, werr
		}
	}
	for _, m := range expired {
		delete(q.messages, m.ID)
		q.live -= m.footprint()
	}
	for _, m := range blocked {
		q.ready.add(m)
	}
	for i, m := range dead {
		m.Visible = t.Add(moveTimeout)
		q.place(m, t)
		dead[i] = new(*m) // what is in the queue is the queue's alone
	}
	for _, m := range live {
		q.place(m, t)
		out.messages = append(out.messages, m.out(q.name, sender))
	}
	out.changed = q.changed
	if q.hidden.Len() > 0 {
		out.next = q.hidden.peek().Visible
	}
	return out, dead, policy, nil
}

// adopt takes over messages that were received too often from another queue.
func (q *queue) adopt(source string, dead []*message) error {
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return noSuchQueue()
	}
	t := now()
	var fresh []*message
	var entries []entry
	for _, d := range dead {
		if q.messages[d.ID] != nil {
			continue // it came before a crash
		}
		q.last++
		m := &message{ID: d.ID, Body: d.Body, Attributes: d.Attributes, Trace: d.Trace, Sent: d.Sent, Group: d.Group, Dedup: d.Dedup,
			Source: source, Receives: d.Receives, First: d.First, Sequence: q.last, Visible: t}
		if q.info.Attributes.fifo() {
			m.Sent = t // whose retention begins anew in a FIFO queue, not in a standard one
		}
		fresh = append(fresh, m)
		entries = append(entries, entry{Put: m})
	}
	at, err := q.add(fresh, entries, t)
	q.mu.Unlock()
	if err == nil && len(entries) > 0 {
		err = q.journal.sync(at)
	}
	return err
}
