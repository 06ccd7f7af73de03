package sqs

import (
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Delete removes a message that was received. A handle from before it was received again removes
// nothing, and is no error but in a FIFO queue.
func (s *Service) Delete(id, handle string) error {
	q, err := s.find(id)
	if err != nil {
		return err
	}
	which, receives, err := parseHandle(q.name, handle)
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.settle(now())
	m := q.messages[which]
	fresh := m != nil && m.Receives == receives
	flying := m != nil && m.line == &q.hidden
	fifo := q.info.Attributes.fifo()
	q.mu.Unlock()
	switch {
	case m == nil:
		return nil
	case fifo && (!fresh || !flying):
		return invalid("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", handle)
	case !fresh:
		return nil
	}
	return q.drop([]*message{m})
}

// ChangeVisibility hides a message that is in flight from now on for as long as d says, whole
// seconds up to 12 hours from when it was received; 0 gives it to anybody at once.
func (s *Service) ChangeVisibility(id, handle string, d time.Duration) error {
	q, err := s.find(id)
	if err != nil {
		return err
	}
	if d < 0 || d > maxVisibility {
		return badVisibility(d)
	}
	which, receives, err := parseHandle(q.name, handle)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t := now()
	q.settle(t)
	m := q.messages[which]
	switch {
	case m == nil || m.Receives != receives:
		return invalid("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
	case m.line != &q.hidden:
		return awsproto.Errorf("MessageNotInflight", "The specified message isn't in flight.")
	case t.Add(d).After(m.Taken.Add(maxVisibility)):
		return invalid("Value %s for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", d)
	}
	next := m.receipt()
	next.Visible = t.Add(d)
	if _, err := q.journal.append(entry{Got: next}); err != nil {
		return err
	}
	q.displace(m)
	m.Visible = next.Visible
	q.place(m, t)
	q.tell()
	return nil
}

func badVisibility(d time.Duration) error {
	return invalid("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.", int(d.Seconds()))
}

// drop removes messages, by their IDs, whatever their state.
func (q *queue) drop(gone []*message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return closing()
	}
	var entries []entry
	for _, m := range gone {
		if q.messages[m.ID] != nil {
			entries = append(entries, entry{Gone: m.ID})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := q.journal.append(entries...); err != nil {
		return err
	}
	for _, e := range entries {
		q.forget(q.messages[e.Gone])
	}
	q.tell() // a group may go on
	return q.compact(now())
}
