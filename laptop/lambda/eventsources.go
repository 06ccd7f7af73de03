package lambda

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// eventSources are all event source mappings, each a file of its own and, while it is enabled, a poller.
type eventSources struct {
	service *Service
	files   state.Folder[EventSource]
	ctx     context.Context // done when nothing is to be received any more
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu  sync.Mutex
	all map[string]*source // by UUID
}

// source is a mapping and who works for it.
type source struct {
	config EventSource
	poller *poller // nil while disabled
}

// openEventSources finds the mappings that were left and polls for them.
func openEventSources(s *Service) (*eventSources, error) {
	e := &eventSources{service: s, files: state.Folder[EventSource]{Dir: s.dir("event-sources")}, all: map[string]*source{}}
	e.ctx, e.stop = context.WithCancel(context.Background())
	left, err := e.files.Load()
	if err != nil {
		return nil, err
	}
	for _, c := range left {
		e.put(c)
	}
	return e, nil
}

// put makes c what is polled for under its ID. e.mu is held, or e is not shared yet.
func (e *eventSources) put(c EventSource) {
	if before := e.all[c.UUID]; before != nil && before.poller != nil {
		before.poller.cancel()
	}
	next := &source{config: c}
	if !c.Disabled && e.service.cfg.Queues != nil {
		next.poller = newPoller(e, c)
		e.work.Go(next.poller.run)
	}
	e.all[c.UUID] = next
}

func (e *eventSources) describe(src *source) EventSource {
	c := src.config.clone()
	c.LastResult = "No records processed"
	if src.poller != nil {
		c.LastResult = src.poller.result()
	}
	return c
}

// CreateEventSource lets a function get a queue's messages from now on. Function is its name or ARN,
// with a qualifier or not; UUID and LastModified are made up.
func (s *Service) CreateEventSource(in EventSource) (EventSource, error) {
	fam, qualifier, err := s.family(in.Function)
	if err != nil {
		return EventSource{}, err
	}
	c := in.clone()
	c.UUID, c.Function = awsproto.NewID(), s.arn(withQualifier(fam.name, qualifier))
	if err := s.checkEventSource(c); err != nil {
		return EventSource{}, err
	}
	e := s.sources
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, other := range e.all {
		if o := other.config; o.SourceARN == c.SourceARN && o.Function == c.Function {
			return EventSource{}, &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
				Message: fmt.Sprintf(`An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`, c.SourceARN, c.Function, o.UUID)}
		}
	}
	return e.save(c)
}

// save makes c durable and polls for it. e.mu is held.
func (e *eventSources) save(c EventSource) (EventSource, error) {
	if e.ctx.Err() != nil {
		return EventSource{}, errClosing()
	}
	c.LastModified = time.Now().UTC().Truncate(time.Millisecond)
	if err := e.files.Save(c.UUID, c); err != nil {
		return EventSource{}, err
	}
	e.put(c)
	return e.describe(e.all[c.UUID]), nil
}

// checkEventSource reports what a mapping cannot be.
func (s *Service) checkEventSource(c EventSource) error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	if prefix := "arn:aws:sqs:" + s.cfg.Region + ":" + s.cfg.Account + ":"; !strings.HasPrefix(c.SourceARN, prefix) {
		return bad("the event source %q: on this machine it is a queue of this account and region, %sNAME", c.SourceARN, prefix)
	}
	if s.cfg.Queues == nil {
		return bad("the event source %s: there are no queues here", c.SourceARN)
	}
	if err := c.check(); err != nil {
		return err
	}
	visibility, err := s.cfg.Queues.Queue(c.SourceARN)
	if err != nil {
		return bad("Error occurred while ReceiveMessage. SQS Error Code: %s. SQS Error Message: %s", awsproto.From(err).Code, awsproto.From(err).Message)
	}
	f, err := s.Function(c.Function)
	if err != nil {
		return err
	}
	if err := f.notWithTenants("An event source mapping"); err != nil {
		return err
	}
	if f.Timeout > visibility {
		return bad("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", int(visibility.Seconds()), int(f.Timeout.Seconds()))
	}
	return nil
}

// UpdateEventSource changes a mapping; function "" leaves it its function.
func (s *Service) UpdateEventSource(id, function string, edit func(*EventSourceSettings)) (EventSource, error) {
	e := s.sources
	e.mu.Lock()
	defer e.mu.Unlock()
	src := e.all[id]
	if src == nil {
		return EventSource{}, errNoEventSource(id)
	}
	c := src.config.clone()
	edit(&c.EventSourceSettings)
	if function != "" {
		fam, qualifier, err := s.family(function)
		if err != nil {
			return EventSource{}, err
		}
		c.Function = s.arn(withQualifier(fam.name, qualifier))
	}
	if err := s.checkEventSource(c); err != nil {
		return EventSource{}, err
	}
	return e.save(c)
}

// DeleteEventSource ends a mapping. Batches under way end as if nothing had happened.
func (s *Service) DeleteEventSource(id string) (EventSource, error) {
	e := s.sources
	e.mu.Lock()
	defer e.mu.Unlock()
	src := e.all[id]
	if src == nil {
		return EventSource{}, errNoEventSource(id)
	}
	if err := e.files.Remove(id); err != nil {
		return EventSource{}, err
	}
	if src.poller != nil {
		src.poller.cancel()
	}
	delete(e.all, id)
	return e.describe(src), nil
}

// EventSource finds a mapping by its UUID.
func (s *Service) EventSource(id string) (EventSource, error) {
	e := s.sources
	e.mu.Lock()
	defer e.mu.Unlock()
	if src := e.all[id]; src != nil {
		return e.describe(src), nil
	}
	return EventSource{}, errNoEventSource(id)
}

// EventSources are all mappings by their UUIDs.
func (s *Service) EventSources() []EventSource {
	e := s.sources
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []EventSource
	for _, id := range slices.Sorted(maps.Keys(e.all)) {
		all = append(all, e.describe(e.all[id]))
	}
	return all
}

// EventSourceProblem says that messages of a queue could not be given to a function, other than by the
// function's own failure.
type EventSourceProblem struct {
	Function, SourceARN string
	Err                 error
}

// Error makes an error of it, for where problems are told.
func (e EventSourceProblem) Error() string {
	return fmt.Sprintf("delivering the messages of %s to %s: %v", e.SourceARN, e.Function, e.Err)
}

// Unwrap returns why.
func (e EventSourceProblem) Unwrap() error { return e.Err }

func (EventSourceProblem) isEvent() {}
