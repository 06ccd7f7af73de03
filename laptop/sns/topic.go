package sns

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Topic is a standard topic.
type Topic struct {
	// Name has 256 letters, digits, hyphens and underscores at most.
	Name string
	ARN  string // made of the name
	// Attributes are those that were set: DisplayName, KmsMasterKeyId, Policy, SignatureVersion and TracingConfig. See
	// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
	Attributes map[string]string
	Tags       map[string]string
	Deleted    int    // subscriptions that are gone
	Mark       string `json:",omitempty"` // by which whoever made it knows it; not shown
	PolicyMark string `json:",omitempty"` // likewise of its policy
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (s *Service) arn(name string) string {
	return "arn:aws:sns:" + s.config.Region + ":" + s.config.Account + ":" + name
}

func checkTopicAttribute(name, value string) error {
	switch name {
	case "DisplayName":
		if len(value) > 100 {
			return invalid("DisplayName: 100 characters at most")
		}
	case "Policy":
		if value != "" && !json.Valid([]byte(value)) {
			return invalid("Policy: it is no JSON")
		}
	case "KmsMasterKeyId":
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return invalid("SignatureVersion %q: 1 or 2", value)
		}
	case "TracingConfig":
		if value != "PassThrough" {
			return unsupported("TracingConfig "+value, "there is PassThrough")
		}
	case "FifoTopic":
		if value != "false" {
			return unsupported("FifoTopic", "topics are standard ones")
		}
	default:
		return unsupported("the attribute "+name, "there are DisplayName, KmsMasterKeyId, Policy, SignatureVersion and TracingConfig")
	}
	return nil
}

// CreateTopic makes a topic, durably. One of that name with the same attributes is returned.
func (s *Service) CreateTopic(in Topic) (Topic, error) {
	if strings.HasSuffix(in.Name, ".fifo") {
		return Topic{}, unsupported("a FIFO topic", "topics are standard ones")
	}
	if !validName.MatchString(in.Name) {
		return Topic{}, invalid("Topic Name")
	}
	for name, value := range in.Attributes {
		if err := checkTopicAttribute(name, value); err != nil {
			return Topic{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in.ARN = s.arn(in.Name)
	if had, there := s.topics[in.ARN]; there {
		for name, value := range in.Attributes {
			if s.attributes(had)[name] != value {
				return Topic{}, invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if in.Tags != nil && !maps.Equal(in.Tags, had.Tags) {
			return Topic{}, invalid("Tags Reason: Topic already exists with different tags")
		}
		return had, nil
	}
	in.Attributes, in.Tags = maps.Clone(in.Attributes), maps.Clone(in.Tags)
	delete(in.Attributes, "FifoTopic")
	return in, s.keep(in)
}

// keep saves a topic. s.mu is held.
func (s *Service) keep(t Topic) error {
	if err := s.files.topics.Save(state.Name(t.ARN), t); err != nil {
		return err
	}
	s.topics[t.ARN] = t
	return nil
}

// Topic finds a topic by its ARN.
func (s *Service) Topic(arn string) (Topic, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.topic(arn)
}

func (s *Service) topic(arn string) (Topic, error) {
	if t, there := s.topics[arn]; there {
		return t, nil
	}
	if !strings.HasPrefix(arn, "arn:aws:sns:") {
		return Topic{}, invalid("TopicArn")
	}
	return Topic{}, notFound("Topic")
}

// Topics are all topics by name.
func (s *Service) Topics() []Topic {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Topic
	for _, arn := range slices.Sorted(maps.Keys(s.topics)) {
		all = append(all, s.topics[arn])
	}
	return all
}

// EditTopic changes a topic's attributes, tags or marks, durably.
func (s *Service) EditTopic(arn string, edit func(*Topic)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(arn)
	if err != nil {
		return err
	}
	next := t
	next.Attributes, next.Tags = maps.Clone(t.Attributes), maps.Clone(t.Tags)
	if next.Attributes == nil {
		next.Attributes = map[string]string{}
	}
	if next.Tags == nil {
		next.Tags = map[string]string{}
	}
	edit(&next)
	next.Name, next.ARN = t.Name, t.ARN
	for name, value := range next.Attributes {
		if err := checkTopicAttribute(name, value); err != nil {
			return err
		}
	}
	if len(next.Tags) > 50 {
		return &awsproto.Error{Code: "TagLimitExceeded", Message: "Could not complete request: tag quota of per resource exceeded"}
	}
	return s.keep(next)
}

// DeleteTopic deletes a topic and its subscriptions. One that is not there is no error.
func (s *Service) DeleteTopic(arn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.topics[arn]; !there {
		return nil
	}
	// Without its topic a subscription is none: what a crash leaves is removed at the next start.
	if err := s.files.topics.Remove(state.Name(arn)); err != nil {
		return err
	}
	delete(s.topics, arn)
	var errs []error
	for _, one := range s.of(arn) {
		errs = append(errs, s.files.subscriptions.Remove(state.Name(one.ARN)))
		delete(s.subscriptions, one.ARN)
	}
	return errors.Join(errs...)
}

// attributes are all that GetTopicAttributes tells. s.mu is held.
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
func (s *Service) attributes(t Topic) map[string]string {
	out := map[string]string{"TopicArn": t.ARN, "Owner": s.config.Account, "DisplayName": "", "Policy": s.ownerPolicy(t.ARN),
		"SubscriptionsConfirmed": strconv.Itoa(len(s.of(t.ARN))), "SubscriptionsPending": "0", "SubscriptionsDeleted": strconv.Itoa(t.Deleted)}
	maps.Copy(out, t.Attributes)
	return out
}

// ownerPolicy is the policy of a topic that has been given none: its owner alone may use it.
func (s *Service) ownerPolicy(arn string) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` +
		s.config.Account + `:root"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe",` +
		`"SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` + arn + `"}]}`
}
