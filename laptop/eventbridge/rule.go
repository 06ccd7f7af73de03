package eventbridge

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pattern"
	"github.com/ephor-io/ephor/laptop/internal/state"
	"github.com/ephor-io/ephor/laptop/internal/when"
)

// Rule leads the events of a bus that fit a pattern to targets, or calls them at times, or both.
type Rule struct {
	Name string
	Bus  string // its name
	// Pattern is an event pattern, and Schedule rate(…) or cron(…), which only rules of the bus default have.
	Pattern, Schedule string            `json:",omitempty"`
	Description       string            `json:",omitempty"`
	Disabled          bool              `json:",omitempty"`
	Tags              map[string]string `json:",omitempty"`
	Targets           []Target          `json:",omitempty"`
	Modified          time.Time         // a rate is counted from here
	Mark              string            `json:",omitempty"` // by which whoever made it knows it; not shown
}

// rule is one with its pattern and its schedule read.
type rule struct {
	Rule
	pattern  *pattern.Pattern
	schedule *when.Expression
	next     time.Time // zero: never
}

const maxTargets = 5

var validRule = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

// arn is that of a rule.
func (s *Service) arn(r Rule) string {
	name := r.Name
	if r.Bus != defaultBus {
		name = r.Bus + "/" + name
	}
	return "arn:aws:events:" + s.config.Region + ":" + s.config.Account + ":rule/" + name
}

// RuleARN is that of a rule.
func (s *Service) RuleARN(bus, name string) string {
	return s.arn(Rule{Name: name, Bus: busName(bus)})
}

// check reads a rule and reports what it cannot have.
func (s *Service) check(in Rule) (*rule, error) {
	out := &rule{Rule: in}
	switch {
	case !validRule.MatchString(in.Name):
		return nil, invalid("the rule name %q: 1 to 64 letters, digits, dots, hyphens and underscores", in.Name)
	case in.Pattern == "" && in.Schedule == "":
		return nil, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case len(in.Pattern) > 4096:
		return nil, awsproto.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: it has %d characters; 4096 are allowed", len(in.Pattern))
	case len(in.Description) > 512:
		return nil, invalid("Description has %d characters; 512 are allowed", len(in.Description))
	case in.Schedule != "" && in.Bus != defaultBus:
		return nil, invalid("ScheduleExpression is supported only on the default event bus.")
	case len(in.Targets) > maxTargets:
		return nil, awsproto.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed: a rule has %d targets at most", maxTargets)
	}
	var err error
	if in.Pattern != "" {
		if out.pattern, err = pattern.Parse(in.Pattern); err != nil {
			return nil, awsproto.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
		}
	}
	if in.Schedule != "" {
		e, err := when.Parse(in.Schedule, "")
		if err != nil || e.Once() {
			return nil, invalid("Parameter ScheduleExpression is not valid: %q is neither rate(…) nor cron(…) (%v)", in.Schedule, err)
		}
		out.schedule = &e
	}
	for _, t := range in.Targets {
		if err := t.check(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plan finds out when the rule calls next, behind after. A rate first calls when it has passed once.
func (r *rule) plan(after time.Time) {
	r.next = time.Time{}
	if r.schedule == nil || r.Disabled {
		return
	}
	if after.Before(r.Modified) {
		after = r.Modified
	}
	if next, ok := r.schedule.Next(r.Modified, after); ok {
		r.next = next
	}
}

// PutRule makes a rule or changes one, durably. Its targets stay as they are.
func (s *Service) PutRule(in Rule) (Rule, error) {
	in.Bus, in.Targets = busName(in.Bus), nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.bus(in.Bus); err != nil {
		return Rule{}, err
	}
	in.Modified = time.Now().UTC()
	if had := s.rules[s.arn(in)]; had != nil {
		in.Targets, in.Mark = had.Targets, cmp.Or(had.Mark, in.Mark)
		if in.Tags == nil {
			in.Tags = had.Tags
		}
	}
	return in, s.keep(in)
}

// keep checks a rule and saves it. s.mu is held.
func (s *Service) keep(in Rule) error {
	r, err := s.check(in)
	if err != nil {
		return err
	}
	if err := s.files.rules.Save(state.Name(s.arn(in)), in); err != nil {
		return err
	}
	r.plan(time.Now())
	s.rules[s.arn(in)] = r
	s.bell.Ring()
	return nil
}

// EditRule changes a rule, durably.
func (s *Service) EditRule(bus, name string, edit func(*Rule) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	had, err := s.rule(bus, name)
	if err != nil {
		return err
	}
	next := had.Rule
	next.Targets, next.Tags = slices.Clone(had.Targets), maps.Clone(had.Tags)
	if next.Tags == nil {
		next.Tags = map[string]string{}
	}
	if err := edit(&next); err != nil {
		return err
	}
	next.Name, next.Bus = had.Name, had.Bus
	return s.keep(next)
}

// SetState enables a rule or disables it.
func (s *Service) SetState(bus, name string, disabled bool) error {
	return s.EditRule(bus, name, func(r *Rule) error {
		if r.Disabled != disabled {
			r.Disabled, r.Modified = disabled, time.Now().UTC()
		}
		return nil
	})
}

// PutTargets adds targets to a rule, or changes those with the same IDs.
func (s *Service) PutTargets(bus, name string, targets ...Target) error {
	return s.EditRule(bus, name, func(r *Rule) error {
		for _, t := range targets {
			if i := slices.IndexFunc(r.Targets, func(had Target) bool { return had.ID == t.ID }); i >= 0 {
				r.Targets[i] = t
			} else {
				r.Targets = append(r.Targets, t)
			}
		}
		return nil
	})
}

// RemoveTargets takes targets from a rule.
func (s *Service) RemoveTargets(bus, name string, ids ...string) error {
	return s.EditRule(bus, name, func(r *Rule) error {
		r.Targets = slices.DeleteFunc(r.Targets, func(t Target) bool { return slices.Contains(ids, t.ID) })
		return nil
	})
}

// DeleteRule deletes a rule without targets. One that is not there is no error.
func (s *Service) DeleteRule(bus, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.RuleARN(bus, name)
	r := s.rules[arn]
	if r == nil {
		return nil
	}
	if len(r.Targets) > 0 {
		return invalid("Rule can't be deleted since it has targets.")
	}
	if err := s.files.rules.Remove(state.Name(arn)); err != nil {
		return err
	}
	delete(s.rules, arn)
	return nil
}

// Rule finds a rule.
func (s *Service) Rule(bus, name string) (Rule, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, err := s.rule(bus, name)
	if err != nil {
		return Rule{}, err
	}
	return r.Rule, nil
}

func (s *Service) rule(bus, name string) (*rule, error) {
	if _, err := s.bus(bus); err != nil {
		return nil, err
	}
	if r := s.rules[s.RuleARN(bus, name)]; r != nil {
		return r, nil
	}
	return nil, notFound("Rule %s does not exist on EventBus %s.", name, busName(bus))
}

// Rules are those of a bus whose names begin with a prefix, by name.
func (s *Service) Rules(bus, prefix string) ([]Rule, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, err := s.bus(bus); err != nil {
		return nil, err
	}
	var all []Rule
	for _, arn := range slices.Sorted(maps.Keys(s.rules)) {
		if r := s.rules[arn]; r.Bus == busName(bus) && strings.HasPrefix(r.Name, prefix) {
			all = append(all, r.Rule)
		}
	}
	return all, nil
}
