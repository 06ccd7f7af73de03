package sns

import (
	"maps"
	"regexp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

var validBatchID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

type arnXML struct {
	TopicARN string `xml:"TopicArn"`
}

type subscriptionARN struct {
	SubscriptionARN string `xml:"SubscriptionArn"`
}

type attributesXML struct{ Attributes entries }

func serveCreateTopic(s *Service, f awsproto.Form) (any, error) {
	if f["DataProtectionPolicy"] != "" {
		return nil, unsupported("DataProtectionPolicy", "messages are not looked through for data")
	}
	t, err := s.CreateTopic(Topic{Name: f["Name"], Attributes: f.Map("Attributes.entry", "key", "value"), Tags: f.Map("Tags.member", "Key", "Value")})
	return arnXML{t.ARN}, err
}

func serveDeleteTopic(s *Service, f awsproto.Form) (any, error) {
	return nil, s.DeleteTopic(f["TopicArn"])
}

func serveGetTopic(s *Service, f awsproto.Form) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.topic(f["TopicArn"])
	if err != nil {
		return nil, err
	}
	return attributesXML{s.attributes(t)}, nil
}

func serveSetTopic(s *Service, f awsproto.Form) (any, error) {
	return nil, s.EditTopic(f["TopicArn"], func(t *Topic) {
		if name := f["AttributeName"]; name == "Policy" && f["AttributeValue"] == "" {
			delete(t.Attributes, name)
		} else {
			t.Attributes[name] = f["AttributeValue"]
		}
	})
}

func serveListTopics(s *Service, f awsproto.Form) (any, error) {
	some, next := page(s.Topics(), func(t Topic) string { return t.ARN }, f["NextToken"])
	out := struct {
		Topics    []arnXML `xml:"Topics>member"`
		NextToken string   `xml:",omitempty"`
	}{NextToken: next}
	for _, t := range some {
		out.Topics = append(out.Topics, arnXML{t.ARN})
	}
	return out, nil
}

func serveSubscribe(s *Service, f awsproto.Form) (any, error) {
	one, err := s.Subscribe(Subscription{Topic: f["TopicArn"], Protocol: f["Protocol"], Endpoint: f["Endpoint"], Attributes: f.Map("Attributes.entry", "key", "value")})
	return subscriptionARN{one.ARN}, err
}

func serveUnsubscribe(s *Service, f awsproto.Form) (any, error) {
	return nil, s.Unsubscribe(f["SubscriptionArn"])
}

func serveGetSubscription(s *Service, f awsproto.Form) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	one, there := s.subscriptions[f["SubscriptionArn"]]
	if !there {
		return nil, notFound("Subscription")
	}
	return attributesXML{s.told(one)}, nil
}

func serveSetSubscription(s *Service, f awsproto.Form) (any, error) {
	return nil, s.EditSubscription(f["SubscriptionArn"], func(attributes map[string]string) { attributes[f["AttributeName"]] = f["AttributeValue"] })
}

func serveListSubscriptions(s *Service, f awsproto.Form) (any, error) { return s.list("", f) }

func serveListByTopic(s *Service, f awsproto.Form) (any, error) {
	if f["TopicArn"] == "" {
		return nil, invalid("TopicArn")
	}
	return s.list(f["TopicArn"], f)
}

func (s *Service) list(topic string, f awsproto.Form) (any, error) {
	all, err := s.Subscriptions(topic)
	if err != nil {
		return nil, err
	}
	type one struct {
		SubscriptionARN           string `xml:"SubscriptionArn"`
		Owner, Protocol, Endpoint string
		TopicARN                  string `xml:"TopicArn"`
	}
	some, next := page(all, func(s Subscription) string { return s.ARN }, f["NextToken"])
	out := struct {
		Subscriptions []one  `xml:"Subscriptions>member"`
		NextToken     string `xml:",omitempty"`
	}{NextToken: next}
	for _, s := range some {
		out.Subscriptions = append(out.Subscriptions, one{s.ARN, "", s.Protocol, s.Endpoint, s.Topic})
	}
	for i := range out.Subscriptions {
		out.Subscriptions[i].Owner = s.config.Account
	}
	return out, nil
}

func serveListTags(s *Service, f awsproto.Form) (any, error) {
	t, err := s.Topic(f["ResourceArn"])
	if err != nil {
		return nil, err
	}
	type tag struct{ Key, Value string }
	var out struct {
		Tags []tag `xml:"Tags>member"`
	}
	for key, value := range t.Tags {
		out.Tags = append(out.Tags, tag{key, value})
	}
	return out, nil
}

func serveTag(s *Service, f awsproto.Form) (any, error) {
	return nil, s.EditTopic(f["ResourceArn"], func(t *Topic) { maps.Copy(t.Tags, f.Map("Tags.member", "Key", "Value")) })
}

func serveUntag(s *Service, f awsproto.Form) (any, error) {
	return nil, s.EditTopic(f["ResourceArn"], func(t *Topic) {
		for _, key := range f.Texts("TagKeys.member") {
			delete(t.Tags, key)
		}
	})
}
