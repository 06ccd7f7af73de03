// Package sqs is Amazon SQS on this machine: standard and FIFO queues with visibility timeouts, long
// polling, delays and dead letter queues, behind both protocols that SDKs speak and behind methods.
//
//	service, err := sqs.Open(sqs.Config{Dir: dir, Endpoint: func() string { return "http://127.0.0.1:4566" }})
//	q, err := service.CreateQueue(sqs.QueueInput{Name: "orders", Attributes: map[string]string{"VisibilityTimeout": "60"}})
//	sent, err := service.Send("orders", sqs.Sending{Body: "one book"})
//	messages, err := service.Receive(ctx, "orders", sqs.Receiving{Max: 10, Wait: 20 * time.Second})
//	err = service.Delete("orders", messages[0].ReceiptHandle)
//	http.Handle("/", service)
//
// A queue is named by its name, its URL or its ARN wherever a method takes one.
//
// On disk a queue is a folder with its attributes in queue.json and its messages in messages.log, to
// which every change is appended: a message that was acknowledged is synced there. All messages are
// in memory, too, whole. Nothing is encrypted; what a queue says of encryption is kept and told.
package sqs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config says where a Service keeps its queues.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
	// Endpoint is the address before /ACCOUNT/NAME in queues' URLs. Nil means SQS's own.
	Endpoint func() string
	// Problem is told what went wrong where nobody waits for an answer; nil tells nobody.
	Problem func(error)
}

// Service is SQS. It is safe for concurrent use.
type Service struct {
	config Config

	mu     sync.RWMutex
	queues map[string]*queue // by name
	closed bool
	moves  sync.WaitGroup // messages on their way to dead letter queues
}

// Open loads the queues that Dir holds.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Endpoint == nil {
		endpoint := "https://sqs." + config.Region + ".amazonaws.com"
		config.Endpoint = func() string { return endpoint }
	}
	if config.Problem == nil {
		config.Problem = func(error) {}
	}
	s := &Service{config: config, queues: map[string]*queue{}}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening SQS: %w", err)
	}
	entries, err := os.ReadDir(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening SQS: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		q, err := loadQueue(filepath.Join(config.Dir, e.Name()))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening SQS: queue %s: %w", e.Name(), err), s.Close())
		}
		if q != nil {
			s.queues[q.name] = q
		}
	}
	return s, nil
}

// Close ends what waits for messages. Every acknowledged message is durable before.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	queues := s.queues
	s.queues = map[string]*queue{}
	s.mu.Unlock()
	for _, q := range queues {
		q.end()
	}
	s.moves.Wait()
	var err error
	for _, q := range queues {
		err = errors.Join(err, q.journal.close())
	}
	return err
}

// nameOf is the name in a queue's URL or ARN, or what is a name already.
func nameOf(id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id[strings.LastIndex(id, ":")+1:]
	}
	if u, err := url.Parse(id); err == nil && u.Scheme != "" {
		id = u.Path
	}
	return id[strings.LastIndex(id, "/")+1:]
}

func (s *Service) find(id string) (*queue, error) {
	if id == "" {
		return nil, missing("QueueUrl")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q := s.queues[nameOf(id)]; q != nil {
		return q, nil
	}
	return nil, noSuchQueue()
}

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.config.Region + ":" + s.config.Account + ":" + name
}

func (s *Service) url(name string) string {
	return strings.TrimSuffix(s.config.Endpoint(), "/") + "/" + s.config.Account + "/" + name
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// await waits until something has changed, the time has come, or ctx or the queue has ended; it
// reports whether it is worth to look again.
func await(ctx context.Context, changed <-chan struct{}, until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
