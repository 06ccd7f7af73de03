package eventbridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pattern"
)

// maxEntries is how many events come at once at most, and maxSize how many bytes they have together:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const maxEntries, maxSize = 10, 256 << 10

// Event is what is put on a bus.
type Event struct {
	Bus                string // its name or ARN; "" is default
	Source, DetailType string
	Detail             string // a JSON object
	Resources          []string
	Time               time.Time // zero is now
}

func (e Event) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if !e.Time.IsZero() {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// Put leads an event of the account's to the targets of all rules that it fits. It returns when every
// delivery has been made or is kept until it can be.
func (s *Service) Put(e Event) (id string, err error) {
	argument := func(name string) error {
		return awsproto.Errorf("InvalidArgument", "Parameter %s is not valid. Reason: %s is a required argument.", name, name)
	}
	switch {
	case e.Source == "":
		return "", argument("Source")
	case e.DetailType == "":
		return "", argument("DetailType")
	case e.Detail == "":
		return "", argument("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return "", awsproto.Errorf("NotAuthorizedForSourceException", "Not authorized for the source.")
	}
	return s.Emit(e)
}

// Emit is Put for AWS's own services, whose sources begin with aws.
func (s *Service) Emit(e Event) (id string, err error) {
	detail, err := pattern.Decode([]byte(e.Detail))
	if _, is := detail.(map[string]any); err != nil || !is {
		return "", awsproto.Errorf("MalformedDetail", "Detail is malformed.")
	}
	if _, err := s.Bus(e.Bus); err != nil {
		return "", err
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	if e.Resources == nil {
		e.Resources = []string{}
	}
	id = awsproto.NewID()
	event := s.event(id, e)
	value, err := pattern.Decode([]byte(event))
	if err != nil {
		return "", err
	}
	name := busName(e.Bus)
	var matching []Rule
	s.mu.RLock()
	for _, r := range s.rules {
		if r.Bus == name && !r.Disabled && r.pattern != nil && r.pattern.Match(value) {
			matching = append(matching, r.Rule)
		}
	}
	s.mu.RUnlock()
	for _, r := range matching {
		if err := s.call(r, event); err != nil {
			return "", err
		}
	}
	return id, nil
}

// event is an event as rules see it:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func (s *Service) event(id string, e Event) string {
	return text(struct {
		Version    string          `json:"version"`
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       string          `json:"time"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}{"0", id, e.DetailType, e.Source, s.config.Account, e.Time.UTC().Format(time.RFC3339), s.config.Region, e.Resources, json.RawMessage(e.Detail)})
}

// call gives an event to a rule's targets.
func (s *Service) call(r Rule, event string) error {
	for _, t := range r.Targets {
		input, err := t.input(r, s.arn(r), event)
		if err != nil {
			return fmt.Errorf("rule %s, target %s: %w", r.Name, t.ID, err)
		}
		d := delivery{Rule: s.arn(r), Target: t.ARN, Input: input, Group: t.Group, DeadLetters: t.DeadLetters, Retries: 185, MaxAge: 24 * time.Hour}
		if t.Retries != nil {
			d.Retries = *t.Retries
		}
		if t.MaxAge != nil {
			d.MaxAge = time.Duration(*t.MaxAge) * time.Second
		}
		if t.DeadLetters != "" {
			d.Event = event
		}
		if err := s.box.Send(d); err != nil {
			return fmt.Errorf("rule %s, target %s: %w", r.Name, t.ID, err)
		}
	}
	return nil
}
