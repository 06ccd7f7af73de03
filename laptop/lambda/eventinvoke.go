package lambda

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// EventInvokeConfig says what becomes of the asynchronous invocations of a function, version or
// alias. See https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
type EventInvokeConfig struct {
	Function  string
	Qualifier string // $LATEST, a number or an alias
	ARN       string // what the qualifier stands for
	// MaximumRetryAttempts is 0 to 2; nil means 2.
	MaximumRetryAttempts *int
	// MaximumEventAge is whole seconds, 60 to 21600 of them; 0 means six hours.
	MaximumEventAge time.Duration
	// OnSuccess and OnFailure are the ARNs of functions that get a record of the invocation; empty
	// tells nobody.
	OnSuccess, OnFailure string
	LastModified         time.Time
	Mark                 string // by which whoever made it knows it; not shown
}

const (
	maxRetries  = 2
	minEventAge = time.Minute
	maxEventAge = 6 * time.Hour
)

// retries is how often an event is given to the function again after an error.
func (c EventInvokeConfig) retries() int {
	if c.MaximumRetryAttempts == nil {
		return maxRetries
	}
	return *c.MaximumRetryAttempts
}

// age is how old an event may get.
func (c EventInvokeConfig) age() time.Duration {
	if c.MaximumEventAge == 0 {
		return maxEventAge
	}
	return c.MaximumEventAge
}

func (c EventInvokeConfig) clone() EventInvokeConfig {
	if c.MaximumRetryAttempts != nil {
		c.MaximumRetryAttempts = new(*c.MaximumRetryAttempts)
	}
	return c
}

func (c EventInvokeConfig) check(functionARN func(string) string) error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	switch {
	case c.retries() < 0 || c.retries() > maxRetries:
		return bad("MaximumRetryAttempts %d: 0 to %d", c.retries(), maxRetries)
	case c.age() < minEventAge || c.age() > maxEventAge:
		return bad("MaximumEventAgeInSeconds %d: 60 to 21600", int(c.age().Seconds()))
	}
	for kind, arn := range map[string]string{"OnSuccess": c.OnSuccess, "OnFailure": c.OnFailure} {
		name, _ := splitName(arn)
		switch {
		case arn == "":
		case !strings.Contains(arn, ":lambda:"):
			return bad("the destination %s %s: on this machine a destination is a function", kind, arn)
		case !strings.HasPrefix(arn, functionARN(name)):
			return bad("the destination %s %s: it is not a function of this account and region, as %s is", kind, arn, functionARN("NAME"))
		case name == c.Function:
			return bad("You can't specify the function as a destination for itself.")
		}
	}
	return nil
}

// eventInvoke is what is configured for a qualifier, or its index -1 and the defaults.
func (r *record) eventInvoke(qualifier string) (EventInvokeConfig, int) {
	if qualifier == "" {
		qualifier = latest
	}
	if i := slices.IndexFunc(r.Events, func(c EventInvokeConfig) bool { return c.Qualifier == qualifier }); i >= 0 {
		return r.Events[i], i
	}
	return EventInvokeConfig{Function: r.Name, Qualifier: qualifier}, -1
}

// PutEventInvokeConfig sets what becomes of the asynchronous invocations of what name stands for;
// what config leaves out takes its default.
func (s *Service) PutEventInvokeConfig(_ context.Context, name string, config EventInvokeConfig) (EventInvokeConfig, error) {
	return s.editEventInvoke(name, func(c *EventInvokeConfig, _ bool) error {
		config = config.clone()
		c.MaximumRetryAttempts, c.MaximumEventAge = config.MaximumRetryAttempts, config.MaximumEventAge
		c.OnSuccess, c.OnFailure, c.Mark = config.OnSuccess, config.OnFailure, config.Mark
		return nil
	})
}

// editEventInvoke changes the configuration of what name stands for and checks it. exists tells
// edit whether there was one.
func (s *Service) editEventInvoke(name string, edit func(c *EventInvokeConfig, exists bool) error) (EventInvokeConfig, error) {
	_, qualifier := splitName(name)
	var made EventInvokeConfig
	_, err := s.edit(name, func(fam *family, rec *record) error {
		if !rec.has(qualifier) {
			return s.errNotFound(fam.name + ":" + qualifier)
		}
		c, i := rec.eventInvoke(qualifier)
		made = c.clone()
		if err := edit(&made, i >= 0); err != nil {
			return err
		}
		if err := made.check(s.arn); err != nil {
			return err
		}
		for _, arn := range []string{made.OnSuccess, made.OnFailure} {
			if arn != "" && !s.stands(arn) {
				return awsproto.Errorf("InvalidParameterValueException", "The destination ARN %s is invalid. There is no such function: create it first.", arn)
			}
		}
		made.LastModified = time.Now().UTC().Truncate(time.Millisecond)
		if i >= 0 {
			rec.Events[i] = made
		} else {
			rec.Events = append(rec.Events, made)
		}
		return nil
	})
	return s.withARN(made), err
}

func (s *Service) withARN(c EventInvokeConfig) EventInvokeConfig {
	c = c.clone()
	c.ARN = s.arn(c.Function + ":" + c.Qualifier)
	return c
}

// EventInvokeConfig returns the configuration of what name stands for, or ResourceNotFoundException.
func (s *Service) EventInvokeConfig(name string) (EventInvokeConfig, error) {
	fam, qualifier, err := s.family(name)
	if err != nil {
		return EventInvokeConfig{}, err
	}
	c, i := fam.record().eventInvoke(qualifier)
	if i < 0 {
		return EventInvokeConfig{}, s.errNoEventInvoke(c)
	}
	return s.withARN(c), nil
}

// EventInvokeConfigs returns every configuration of a function.
func (s *Service) EventInvokeConfigs(name string) ([]EventInvokeConfig, error) {
	fam, _, err := s.family(name)
	if err != nil {
		return nil, err
	}
	var all []EventInvokeConfig
	for _, c := range fam.record().Events {
		all = append(all, s.withARN(c))
	}
	return all, nil
}

// DeleteEventInvokeConfig brings the defaults back for what name stands for.
func (s *Service) DeleteEventInvokeConfig(_ context.Context, name string) error {
	_, qualifier := splitName(name)
	_, err := s.edit(name, func(_ *family, rec *record) error {
		c, i := rec.eventInvoke(qualifier)
		if i < 0 {
			return s.errNoEventInvoke(c)
		}
		rec.Events = slices.Delete(rec.Events, i, i+1)
		return nil
	})
	return err
}

func (s *Service) errNoEventInvoke(c EventInvokeConfig) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
		Message: "The function " + s.arn(c.Function+":"+c.Qualifier) + " doesn't have an EventInvokeConfig"}
}
