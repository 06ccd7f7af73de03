package sns

import (
	"context"
	"fmt"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/outbox"
)

// delivery is one notification for one subscription.
type delivery struct {
	Subscription, Topic string // ARNs
	Protocol, Endpoint  string
	Body                string
	Attributes          map[string]Attribute `json:",omitempty"` // of a raw message
	DeadLetters, Letter string               `json:",omitempty"` // the queue for what cannot be delivered, and what it gets
}

func (s *Service) deliver(ctx context.Context, d delivery) error {
	if d.Protocol == "lambda" {
		return s.config.Functions.Invoke(ctx, d.Endpoint, d.Topic, []byte(d.Body))
	}
	return s.config.Queues.Send(d.Endpoint, d.Topic, d.Body, d.Attributes)
}

// maxAttempts at a delivery, the first one among them.
const maxAttempts = 100_015 + 1

// again is the delivery policy for AWS's own endpoints: three tries at once, two a second apart, ten that back
// off from 1 to 20 s, and then one every 20 s. What the receiver refuses is not tried again. See
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func again(_ delivery, attempts int, _ time.Duration, err error) (time.Duration, bool) {
	const first, backOff = 3, 3 + 2
	switch {
	case outbox.Lasting(err) || attempts >= maxAttempts:
		return 0, false
	case attempts <= first:
		return 0, true
	case attempts <= backOff:
		return time.Second, true
	}
	return min(time.Second<<min(attempts-backOff-1, 5), 20*time.Second), true
}

// giveUp sends what cannot be delivered to the subscription's dead letter queue:
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func (s *Service) giveUp(d delivery, attempts int, err error) {
	if d.DeadLetters != "" {
		if dead := s.config.Queues.Send(d.DeadLetters, d.Topic, d.Letter, d.Attributes); dead != nil {
			err = fmt.Errorf("%w; its dead letter queue does not take it either: %w", err, dead)
		} else {
			return
		}
	}
	s.config.Problem(fmt.Errorf("subscription %s: a message is lost: telling %s, %d times: %w", d.Subscription, d.Endpoint, attempts, err))
}
