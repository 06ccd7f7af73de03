package sqs

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// QueueInput is a queue that is to be made.
type QueueInput struct {
	// Name has 80 letters, digits, hyphens and underscores at most; a FIFO queue's ends in .fifo.
	Name string
	// Attributes are those of
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
	Attributes map[string]string
	Tags       map[string]string
	// ClientToken marks what one creation made, so that it is found after a crash. It is kept,
	// changed by no update and not told on the wire.
	ClientToken string
}

// Queue is a queue as it stands.
type Queue struct {
	Name, ARN, URL string
	// Attributes are all that GetQueueAttributes tells.
	Attributes  map[string]string
	Tags        map[string]string
	ClientToken string
	PolicyMark  string // see SetPolicy
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// CreateQueue makes a queue, durably. One of that name with the same attributes is returned.
func (s *Service) CreateQueue(in QueueInput) (Queue, error) {
	if base := strings.TrimSuffix(in.Name, ".fifo"); !validName.MatchString(base) || len(in.Name) > 80 {
		return Queue{}, invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Queue{}, closing()
	}
	if q := s.queues[in.Name]; q != nil {
		had := s.describe(q)
		for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
			if had.Attributes[name] != in.Attributes[name] {
				return Queue{}, awsproto.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return had, nil
	}
	if err := s.check(in.Name, in.Attributes); err != nil {
		return Queue{}, err
	}
	q := newQueue(folder(s.config.Dir, in.Name), in.Name, record{})
	if err := os.RemoveAll(q.dir); err != nil { // what a crash has left there
		return Queue{}, err
	}
	if err := q.open(); err != nil {
		return Queue{}, err
	}
	t := now()
	info := record{Name: in.Name, Attributes: settings{maps.Clone(in.Attributes)}, Tags: maps.Clone(in.Tags), Created: t, Modified: t, ClientToken: in.ClientToken}
	if err := q.save(info); err != nil {
		return Queue{}, errors.Join(err, q.journal.close())
	}
	s.queues[in.Name] = q
	return s.describe(q), nil
}

// SetAttributes changes the attributes that are given; an empty value takes one away.
func (s *Service) SetAttributes(id string, values map[string]string) error {
	return s.configure(id, func(had map[string]string) map[string]string {
		next := maps.Clone(had)
		if next == nil {
			next = map[string]string{}
		}
		maps.Copy(next, values)
		maps.DeleteFunc(next, func(_, value string) bool { return value == "" })
		return next
	})
}

// ReplaceAttributes makes values all that the queue has; the others take their defaults.
func (s *Service) ReplaceAttributes(id string, values map[string]string) error {
	return s.configure(id, func(map[string]string) map[string]string { return maps.Clone(values) })
}

// SetPolicy sets a queue's policy, or takes it away if document is "", and marks it, so that whoever
// set it finds it again. The mark is not told on the wire.
func (s *Service) SetPolicy(id, document, mark string) error {
	return s.edit(id, func(_ *queue, info *record) error {
		values := maps.Clone(info.Attributes.Values)
		if values == nil {
			values = map[string]string{}
		}
		delete(values, "Policy")
		if document != "" {
			values["Policy"] = document
		}
		info.Attributes.Values, info.PolicyMark = values, mark
		return s.check(info.Name, values)
	})
}

func (s *Service) configure(id string, edit func(map[string]string) map[string]string) error {
	return s.edit(id, func(q *queue, info *record) error {
		next := edit(info.Attributes.Values)
		if next["FifoQueue"] != info.Attributes.Values["FifoQueue"] {
			return invalid("FifoQueue: a queue keeps its type")
		}
		info.Attributes.Values = next
		return s.check(info.Name, next)
	})
}

// edit changes what is kept of a queue, durably.
func (s *Service) edit(id string, change func(*queue, *record) error) error {
	s.mu.Lock() // two that name each other are not changed at once
	defer s.mu.Unlock()
	q := s.queues[nameOf(id)]
	if q == nil {
		return noSuchQueue()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	info := q.info
	if err := change(q, &info); err != nil {
		return err
	}
	info.Modified = now()
	return q.save(info)
}

// Tag adds tags, and takes those named in gone away.
func (s *Service) Tag(id string, tags map[string]string, gone ...string) error {
	return s.edit(id, func(_ *queue, info *record) error {
		info.Tags = maps.Clone(info.Tags)
		if info.Tags == nil {
			info.Tags = map[string]string{}
		}
		maps.Copy(info.Tags, tags)
		for _, key := range gone {
			delete(info.Tags, key)
		}
		if len(info.Tags) > 50 {
			return invalid("Too many tags added for queue %s.", info.Name)
		}
		return nil
	})
}

// SetTags makes tags all that a queue has.
func (s *Service) SetTags(id string, tags map[string]string) error {
	return s.edit(id, func(_ *queue, info *record) error { info.Tags = maps.Clone(tags); return nil })
}

// DeleteQueue removes a queue and its messages. Another of its name can be made at once.
func (s *Service) DeleteQueue(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(id)]
	if q == nil {
		return noSuchQueue()
	}
	q.end()
	// Without its queue.json a folder is no queue: a crash on the way leaves none.
	if err := os.Remove(filepath.Join(q.dir, "queue.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	delete(s.queues, q.name)
	return errors.Join(q.journal.close(), os.RemoveAll(q.dir))
}

// Purge removes all messages of a queue, at once.
func (s *Service) Purge(id string) error {
	q, err := s.find(id)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return closing()
	}
	if err := q.journal.rewrite(func(write func(entry) error) error {
		for _, seen := range q.tokens {
			if err := write(entry{Seen: &seen}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	q.messages, q.groups, q.ready.messages, q.hidden.messages, q.inFlight, q.live = map[string]*message{}, map[string]int{}, nil, nil, 0, 0
	return nil
}

// Queue finds a queue.
func (s *Service) Queue(id string) (Queue, error) {
	q, err := s.find(id)
	if err != nil {
		return Queue{}, err
	}
	return s.describe(q), nil
}

// Queues are all queues whose names begin with a prefix, by name.
func (s *Service) Queues(prefix string) []Queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Queue
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if strings.HasPrefix(name, prefix) {
			all = append(all, s.describe(s.queues[name]))
		}
	}
	return all
}

func (s *Service) describe(q *queue) Queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(now())
	a := map[string]string{
		"QueueArn": s.arn(q.name), "CreatedTimestamp": seconds(q.info.Created), "LastModifiedTimestamp": seconds(q.info.Modified),
		"ApproximateNumberOfMessages":           strconv.Itoa(q.ready.Len()),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(q.inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(q.hidden.Len() - q.inFlight),
		"SqsManagedSseEnabled":                  "true",
	}
	for _, name := range []string{"DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout"} {
		a[name] = strconv.Itoa(q.info.Attributes.number(name))
	}
	if q.info.Attributes.fifo() {
		a["ContentBasedDeduplication"], a["DeduplicationScope"], a["FifoThroughputLimit"] = "false", "queue", "perQueue"
	}
	maps.Copy(a, q.info.Attributes.Values)
	return Queue{Name: q.name, ARN: s.arn(q.name), URL: s.url(q.name), Attributes: a, Tags: maps.Clone(q.info.Tags), ClientToken: q.info.ClientToken, PolicyMark: q.info.PolicyMark}
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
