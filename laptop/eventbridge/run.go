package eventbridge

import (
	"fmt"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// dispatch begins the calls that are due and tells how long there is none.
func (s *Service) dispatch(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Hour
	for _, r := range s.rules {
		if r.next.IsZero() {
			continue
		}
		if !r.next.After(now) {
			one, at := r.Rule, r.next
			s.work.Go(func() { s.scheduled(one, at) })
			r.plan(now)
		}
		if !r.next.IsZero() {
			wait = min(wait, r.next.Sub(now))
		}
	}
	return wait
}

// scheduled gives a rule's targets the event of a time that has come:
// https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
func (s *Service) scheduled(r Rule, at time.Time) {
	event := s.event(awsproto.NewID(), Event{Source: "aws.events", DetailType: "Scheduled Event", Detail: "{}", Resources: []string{s.arn(r)}, Time: at})
	if err := s.call(r, event); err != nil {
		s.config.Problem(fmt.Errorf("calling at %s: %w", at.UTC().Format(time.RFC3339), err))
	}
}
