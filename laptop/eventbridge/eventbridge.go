// Package eventbridge is Amazon EventBridge on this machine: the bus default and custom buses, rules with
// event patterns and schedules, and functions, queues and topics as their targets, behind its JSON protocol and
// behind methods.
//
//	service, err := eventbridge.Open(eventbridge.Config{Dir: dir, Targets: targets})
//	rule, err := service.PutRule(eventbridge.Rule{Name: "books", Pattern: `{"source": ["shop"]}`})
//	err = service.PutTargets("default", "books", eventbridge.Target{ID: "f", ARN: function})
//	id, err := service.Put(eventbridge.Event{Source: "shop", DetailType: "Order", Detail: `{"kind": "book"}`})
//	http.Handle("/", service)
//
// A schedule calls at the time itself. What would have been called while the service was closed is not made
// up for.
package eventbridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/outbox"
	"github.com/ephor-io/ephor/laptop/internal/pause"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config is what a Service is opened with.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
	// Targets are what rules lead to.
	Targets Targets
	// Problem is told of what could not be delivered and went to no dead letter queue, among others; nil tells
	// nobody.
	Problem func(error)
}

// Targets are functions, queues and topics, called on behalf of a rule, and each named by its ARN.
// They return when what they were given is durable.
type Targets interface {
	Invoke(ctx context.Context, function, rule string, event []byte) error
	// Send puts a message into a queue; group is a FIFO queue's.
	Send(queue, rule, body, group string, attributes map[string]string) error
	Publish(topic, rule, message string) error
}

// Service is EventBridge. It is safe for concurrent use.
type Service struct {
	config Config
	files  struct {
		buses state.Folder[Bus]
		rules state.Folder[Rule]
	}
	box    *outbox.Box[delivery]
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	bell   pause.Bell

	mu    sync.RWMutex
	buses map[string]Bus   // by name
	rules map[string]*rule // by ARN
}

// Open loads buses and rules, goes on with what has not been delivered, and begins to call by schedules.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Problem == nil {
		config.Problem = func(error) {}
	}
	s := &Service{config: config, bell: pause.NewBell(), buses: map[string]Bus{}, rules: map[string]*rule{}}
	s.files.buses.Dir, s.files.rules.Dir = filepath.Join(config.Dir, "buses"), filepath.Join(config.Dir, "rules")
	buses, err := s.files.buses.Load()
	rules, rerr := s.files.rules.Load()
	if err = errors.Join(err, rerr); err != nil {
		return nil, fmt.Errorf("opening EventBridge: %w", err)
	}
	s.buses[defaultBus] = Bus{Name: defaultBus}
	for _, b := range buses {
		s.buses[b.Name] = b
	}
	for _, one := range rules {
		r, err := s.check(one)
		if err != nil {
			return nil, fmt.Errorf("opening EventBridge: rule %s: %w", one.Name, err)
		}
		r.plan(time.Now())
		s.rules[s.arn(one)] = r
	}
	s.box, err = outbox.Open(outbox.Config[delivery]{Dir: filepath.Join(config.Dir, "deliveries"), Deliver: s.deliver, Again: again, GiveUp: s.giveUp, Problem: config.Problem})
	if err != nil {
		return nil, fmt.Errorf("opening EventBridge: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(func() { s.bell.Loop(s.ctx, s.dispatch) })
	return s, nil
}

// Close calls and delivers nothing any more. What has not been delivered goes on with the next Open.
func (s *Service) Close() error {
	s.cancel()
	s.work.Wait()
	return s.box.Close()
}

func invalid(format string, args ...any) error {
	return awsproto.Errorf("ValidationException", format, args...)
}

func notFound(format string, args ...any) error {
	return awsproto.Errorf("ResourceNotFoundException", format, args...)
}

func exists(what string) error {
	return &awsproto.Error{Code: "ResourceAlreadyExistsException", Status: http.StatusBadRequest, Message: what + " already exists."}
}
