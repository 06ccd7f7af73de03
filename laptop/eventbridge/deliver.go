package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/outbox"
)

// delivery is one event for one target.
type delivery struct {
	Rule, Target       string // ARNs
	Input              string
	Group              string `json:",omitempty"`
	Retries            int
	MaxAge             time.Duration
	DeadLetters, Event string `json:",omitempty"` // the queue for what cannot be delivered, and what it gets
}

func (s *Service) deliver(ctx context.Context, d delivery) error {
	switch {
	case functionARN.MatchString(d.Target):
		if !json.Valid([]byte(d.Input)) {
			return invalid("the input that the template makes is not JSON, which a function wants: %s", d.Input)
		}
		return s.config.Targets.Invoke(ctx, d.Target, d.Rule, []byte(d.Input))
	case queueARN.MatchString(d.Target):
		return s.config.Targets.Send(d.Target, d.Rule, d.Input, d.Group, nil)
	}
	return s.config.Targets.Publish(d.Target, d.Rule, d.Input)
}

// exhausted says which limit of the retry policy ends the attempts, "" if none.
func (d delivery) exhausted(attempts int, age time.Duration) string {
	switch {
	case attempts > d.Retries:
		return "MaximumRetryAttempts"
	case age > d.MaxAge:
		return "MaximumEventAgeInSeconds"
	}
	return ""
}

// again backs off from a second to ten minutes. What the receiver refuses is not tried again. See
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
func again(d delivery, attempts int, age time.Duration, err error) (time.Duration, bool) {
	wait := min(time.Second<<min(attempts-1, 10), 10*time.Minute)
	return wait, !outbox.Lasting(err) && d.exhausted(attempts, age+wait) == ""
}

// giveUp sends what cannot be delivered to the target's dead letter queue, with what
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html lists as attributes.
func (s *Service) giveUp(d delivery, attempts int, err error) {
	if d.DeadLetters != "" {
		e := awsproto.From(err)
		attributes := map[string]string{"RULE_ARN": d.Rule, "TARGET_ARN": d.Target, "ERROR_CODE": e.Code, "ERROR_MESSAGE": e.Message, "RETRY_ATTEMPTS": strconv.Itoa(attempts - 1)}
		if !outbox.Lasting(err) {
			if attributes["EXHAUSTED_RETRY_CONDITION"] = d.exhausted(attempts, 0); attributes["EXHAUSTED_RETRY_CONDITION"] == "" {
				attributes["EXHAUSTED_RETRY_CONDITION"] = "MaximumEventAgeInSeconds"
			}
		}
		dead := s.config.Targets.Send(d.DeadLetters, d.Rule, d.Event, "", attributes)
		if dead == nil {
			return
		}
		err = fmt.Errorf("%w; its dead letter queue does not take it either: %w", err, dead)
	}
	s.config.Problem(fmt.Errorf("%s: an event is lost: telling %s, %d times: %w", d.Rule, d.Target, attempts, err))
}
