package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Subscription leads a topic's messages to a function or a queue.
type Subscription struct {
	ARN string // made up
	// Topic is the topic's ARN.
	Topic string
	// Protocol is lambda or sqs, and Endpoint the ARN of a function or a queue.
	Protocol, Endpoint string
	// Attributes are those that were set: FilterPolicy, FilterPolicyScope, RawMessageDelivery and RedrivePolicy. See
	// https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
	Attributes map[string]string
	Mark       string `json:",omitempty"` // by which whoever made it knows it; not shown
}

// subscription is one with its attributes read.
type subscription struct {
	Subscription
	filter filter
	raw    bool
	dead   string // the ARN of its dead letter queue
}

var endpoints = map[string]*regexp.Regexp{
	"lambda": regexp.MustCompile(`^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`),
	"sqs":    regexp.MustCompile(`^arn:aws:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$`),
}

// check reads a subscription's attributes and reports what it cannot have.
func (s *Service) check(in Subscription) (subscription, error) {
	out := subscription{Subscription: in}
	valid := endpoints[in.Protocol]
	switch {
	case valid == nil:
		return out, unsupported("the protocol "+in.Protocol, "there are lambda and sqs")
	case !valid.MatchString(in.Endpoint):
		return out, invalid("%s endpoint %s: it is the ARN of a function or a standard queue", in.Protocol, in.Endpoint)
	}
	for name, value := range in.Attributes {
		switch name {
		case "FilterPolicy", "FilterPolicyScope":
		case "RawMessageDelivery":
			if value != "true" && value != "false" {
				return out, invalid("Attributes Reason: RawMessageDelivery: true or false")
			}
			if out.raw = value == "true"; out.raw && in.Protocol == "lambda" {
				return out, invalid("Attributes Reason: RawMessageDelivery: Delivery protocol [lambda] does not support raw message delivery.")
			}
		case "RedrivePolicy":
			var redrive struct {
				DeadLetterTargetARN string `json:"deadLetterTargetArn"`
			}
			if err := awsproto.DecodeJSON([]byte(value), &redrive, "InvalidParameter"); err != nil {
				return out, invalid("RedrivePolicy: %v", err)
			}
			if out.dead = redrive.DeadLetterTargetARN; value != "" && !endpoints["sqs"].MatchString(out.dead) {
				return out, invalid("RedrivePolicy: deadLetterTargetArn %q: it is the ARN of a standard queue", out.dead)
			}
		default:
			return out, unsupported("the attribute "+name, "there are FilterPolicy, FilterPolicyScope, RawMessageDelivery and RedrivePolicy")
		}
	}
	var err error
	out.filter, err = newFilter(in.Attributes["FilterPolicy"], in.Attributes["FilterPolicyScope"])
	return out, err
}

// Subscribe makes a subscription, durably. One of the same protocol and endpoint with the same attributes
// is returned. Function and queue need not be there yet.
func (s *Service) Subscribe(in Subscription) (Subscription, error) {
	in.Attributes = maps.Clone(in.Attributes)
	checked, err := s.check(in)
	if err != nil {
		return Subscription{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.topic(in.Topic); err != nil {
		return Subscription{}, err
	}
	for _, had := range s.of(in.Topic) {
		if had.Protocol != in.Protocol || had.Endpoint != in.Endpoint {
			continue
		}
		for name, value := range in.Attributes {
			if s.told(had)[name] != value {
				return Subscription{}, invalid("Attributes Reason: Subscription already exists with different attributes")
			}
		}
		return had.Subscription, nil
	}
	checked.ARN = in.Topic + ":" + awsproto.NewID()
	return checked.Subscription, s.keepSubscription(checked)
}

// keepSubscription saves one. s.mu is held.
func (s *Service) keepSubscription(one subscription) error {
	if err := s.files.subscriptions.Save(state.Name(one.ARN), one.Subscription); err != nil {
		return err
	}
	s.subscriptions[one.ARN] = one
	return nil
}

// EditSubscription changes a subscription's attributes, durably; one that is "" is taken away.
func (s *Service) EditSubscription(arn string, edit func(attributes map[string]string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	had, there := s.subscriptions[arn]
	if !there {
		return notFound("Subscription")
	}
	next := had.Subscription
	next.Attributes = maps.Clone(had.Attributes)
	if next.Attributes == nil {
		next.Attributes = map[string]string{}
	}
	edit(next.Attributes)
	maps.DeleteFunc(next.Attributes, func(_, value string) bool { return value == "" })
	checked, err := s.check(next)
	if err != nil {
		return err
	}
	return s.keepSubscription(checked)
}

// Unsubscribe deletes a subscription.
func (s *Service) Unsubscribe(arn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	had, there := s.subscriptions[arn]
	if !there {
		return notFound("Subscription")
	}
	if err := s.files.subscriptions.Remove(state.Name(arn)); err != nil {
		return err
	}
	delete(s.subscriptions, arn)
	t := s.topics[had.Topic]
	t.Deleted++
	if err := s.keep(t); err != nil {
		s.config.Problem(fmt.Errorf("counting that subscription %s is deleted: %w", arn, err))
	}
	return nil
}

// Subscription finds a subscription by its ARN.
func (s *Service) Subscription(arn string) (Subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if one, there := s.subscriptions[arn]; there {
		return one.Subscription, nil
	}
	return Subscription{}, notFound("Subscription")
}

// Subscriptions are those of a topic, by ARN, or all if it is "".
func (s *Service) Subscriptions(topic string) ([]Subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if topic != "" {
		if _, err := s.topic(topic); err != nil {
			return nil, err
		}
	}
	var all []Subscription
	for _, one := range s.of(topic) {
		all = append(all, one.Subscription)
	}
	return all, nil
}

// of are the subscriptions of a topic, or all. s.mu is held.
func (s *Service) of(topic string) []subscription {
	var all []subscription
	for _, arn := range slices.Sorted(maps.Keys(s.subscriptions)) {
		if one := s.subscriptions[arn]; topic == "" || one.Topic == topic {
			all = append(all, one)
		}
	}
	return all
}

// told are all attributes that GetSubscriptionAttributes tells:
// https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html
func (s *Service) told(one subscription) map[string]string {
	out := map[string]string{"SubscriptionArn": one.ARN, "TopicArn": one.Topic, "Protocol": one.Protocol, "Endpoint": one.Endpoint, "Owner": s.config.Account,
		"RawMessageDelivery": "false", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true"}
	if one.Attributes["FilterPolicy"] != "" {
		out["FilterPolicyScope"] = scopeAttributes
	}
	maps.Copy(out, one.Attributes)
	return out
}

func asJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are ours and have no unencodable part
	}
	return string(data)
}
