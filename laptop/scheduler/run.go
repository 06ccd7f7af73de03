package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pause"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// dispatch begins the calls that are due and tells how long there is none.
func (s *Service) dispatch(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Hour
	for _, e := range s.all {
		if e.next.IsZero() {
			continue
		}
		if e.next.After(now) {
			wait = min(wait, e.next.Sub(now))
			continue
		}
		c := call{s, e.Schedule, e.next, awsproto.NewID()}
		s.work.Go(c.make)
		e.plan(now)
		if e.next.IsZero() && e.DeleteAfter {
			if err := s.files.Remove(state.Name(e.Name)); err != nil {
				s.config.Problem(fmt.Errorf("deleting schedule %s after its last call: %w", e.Name, err))
				continue
			}
			delete(s.all, e.Name)
		} else if !e.next.IsZero() {
			wait = min(wait, e.next.Sub(now))
		}
	}
	return wait
}

// call is one call of a schedule's target.
type call struct {
	*Service
	schedule Schedule
	at       time.Time
	id       string
}

// make calls, and tries again as the target's retry policy says. A function that is not there is not
// tried again.
func (c call) make() {
	target, wait, begin := c.schedule.Target, c.config.backOff, time.Now()
	retries, age := 185, 24*time.Hour
	if target.Retries != nil {
		retries = *target.Retries
	}
	if target.MaxAge != nil {
		age = time.Duration(*target.MaxAge) * time.Second
	}
	for attempt := 1; ; attempt++ {
		err := c.config.Invoke(c.ctx, target.ARN, c.event(attempt))
		if err == nil || c.ctx.Err() != nil {
			return
		}
		e, ok := errors.AsType[*awsproto.Error](err)
		lasting := ok && e.Status == http.StatusNotFound
		if lasting || attempt > retries || time.Since(begin)+wait > age {
			c.config.Problem(fmt.Errorf("schedule %s of %s: calling %s, %d times: %w", c.schedule.Name, c.at.Format(time.RFC3339), target.ARN, attempt, err))
			return
		}
		if !pause.For(c.ctx, wait) {
			return
		}
		wait = min(2*wait, time.Minute)
	}
}

// event is what the target gets: its input, in which the keywords of
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
// are replaced.
func (c call) event(attempt int) []byte {
	at := c.at.UTC().Format(time.RFC3339)
	input := c.schedule.Target.Input
	if input != "" {
		return []byte(strings.NewReplacer("<aws.scheduler.schedule-arn>", c.ARN(c.schedule.Name), "<aws.scheduler.scheduled-time>", at,
			"<aws.scheduler.execution-id>", c.id, "<aws.scheduler.attempt-number>", strconv.Itoa(attempt)).Replace(input))
	}
	data, err := json.Marshal(map[string]any{"version": "0", "id": c.id, "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": c.config.Account,
		"time": at, "region": c.config.Region, "resources": []string{c.ARN(c.schedule.Name)}, "detail": "{}"})
	if err != nil {
		panic(err) // it is text
	}
	return data
}
