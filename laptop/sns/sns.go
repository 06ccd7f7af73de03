// Package sns is Amazon SNS on this machine: standard topics with subscriptions of functions and queues,
// filter policies, raw delivery and dead letters, behind its query protocol and behind methods.
//
//	service, err := sns.Open(sns.Config{Dir: dir, Functions: functions, Queues: queues})
//	topic, err := service.CreateTopic(sns.Topic{Name: "orders"})
//	s, err := service.Subscribe(sns.Subscription{Topic: topic.ARN, Protocol: "sqs", Endpoint: queueARN})
//	id, err := service.Publish(topic.ARN, sns.Message{Body: "one book"})
//	http.Handle("/", service)
//
// Notifications are not signed: their Signature is empty. Nothing is encrypted; what a topic says of
// encryption is kept and told.
package sns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/outbox"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config is what a Service is opened with.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
	// Endpoint is the address in the notifications' UnsubscribeURL. Nil means SNS's own.
	Endpoint func() string
	// Functions and Queues are what subscriptions lead to.
	Functions Functions
	Queues    Queues
	// Problem is told of what could not be delivered and went to no dead letter queue, among others; nil tells
	// nobody.
	Problem func(error)
}

// Functions are Lambda's.
type Functions interface {
	// Invoke hands a function an event on behalf of a topic, and returns when that is durable.
	Invoke(ctx context.Context, function, topic string, event []byte) error
}

// Queues are SQS's.
type Queues interface {
	// Send puts a message into a queue on behalf of a topic, durably.
	Send(queue, topic, body string, attributes map[string]Attribute) error
}

// Service is SNS. It is safe for concurrent use.
type Service struct {
	config Config
	files  struct {
		topics        state.Folder[Topic]
		subscriptions state.Folder[Subscription]
	}
	box *outbox.Box[delivery]

	mu            sync.RWMutex
	topics        map[string]Topic        // by ARN
	subscriptions map[string]subscription // by ARN
}

// Open loads topics and subscriptions, and goes on with what has not been delivered.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Endpoint == nil {
		endpoint := "https://sns." + config.Region + ".amazonaws.com"
		config.Endpoint = func() string { return endpoint }
	}
	if config.Problem == nil {
		config.Problem = func(error) {}
	}
	s := &Service{config: config, topics: map[string]Topic{}, subscriptions: map[string]subscription{}}
	s.files.topics.Dir, s.files.subscriptions.Dir = filepath.Join(config.Dir, "topics"), filepath.Join(config.Dir, "subscriptions")
	topics, err := s.files.topics.Load()
	subscriptions, serr := s.files.subscriptions.Load()
	if err = errors.Join(err, serr); err != nil {
		return nil, fmt.Errorf("opening SNS: %w", err)
	}
	for _, t := range topics {
		s.topics[t.ARN] = t
	}
	for _, one := range subscriptions {
		if _, there := s.topics[one.Topic]; !there { // a crash came between it and its topic's deletion
			if err := s.files.subscriptions.Remove(state.Name(one.ARN)); err != nil {
				return nil, fmt.Errorf("opening SNS: %w", err)
			}
			continue
		}
		checked, err := s.check(one)
		if err != nil {
			return nil, fmt.Errorf("opening SNS: subscription %s: %w", one.ARN, err)
		}
		s.subscriptions[one.ARN] = checked
	}
	s.box, err = outbox.Open(outbox.Config[delivery]{Dir: filepath.Join(config.Dir, "deliveries"), Deliver: s.deliver, Again: again, GiveUp: s.giveUp, Problem: config.Problem})
	if err != nil {
		return nil, fmt.Errorf("opening SNS: %w", err)
	}
	return s, nil
}

// Close delivers nothing any more. What has not been delivered goes on with the next Open.
func (s *Service) Close() error { return s.box.Close() }

func invalid(format string, args ...any) error {
	return awsproto.Errorf("InvalidParameter", "Invalid parameter: "+format, args...)
}

// unsupported refuses by name what is not on this machine.
func unsupported(name, remedy string) error {
	return awsproto.Errorf("InvalidParameter", "Invalid parameter: %s: not on this machine: %s", name, remedy)
}

func notFound(what string) error {
	return &awsproto.Error{Code: "NotFound", Status: http.StatusNotFound, Message: what + " does not exist"}
}
