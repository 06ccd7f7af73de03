package laptop

import (
	"context"
	"slices"
	"strconv"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/sns"
	"github.com/ephor-io/ephor/laptop/sqs"
)

const snsPrincipal = "sns.amazonaws.com"

// notified lets SNS call functions.
type notified struct{ lambda *lambda.Service }

func (n notified) Invoke(ctx context.Context, function, topic string, event []byte) error {
	_, err := n.lambda.InvokeAsync(ctx, lambda.InvokeInput{Function: function, Payload: event, Principal: snsPrincipal, SourceARN: topic})
	return err
}

// post lets a service send messages.
type post struct {
	queues    *sqs.Service
	principal string
}

func (p post) Send(queue, topic, body string, attributes map[string]sns.Attribute) error {
	m := sqs.Sending{Body: body}
	for name, a := range attributes {
		if m.Attributes == nil {
			m.Attributes = map[string]sqs.Attribute{}
		}
		m.Attributes[name] = sqs.Attribute(a)
	}
	_, err := p.queues.SendFor(p.principal, topic, queue, m)
	return err
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
type topicProperties struct {
	TopicName        string
	DisplayName      string
	KmsMasterKeyId   string
	SignatureVersion string
	TracingConfig    string
	Subscription     []struct{ Endpoint, Protocol string }
	Tags             tags
}

func (p topicProperties) attributes() map[string]string {
	a := map[string]string{}
	for name, value := range map[string]string{"DisplayName": p.DisplayName, "KmsMasterKeyId": p.KmsMasterKeyId,
		"SignatureVersion": p.SignatureVersion, "TracingConfig": p.TracingConfig} {
		if value != "" {
			a[name] = value
		}
	}
	return a
}

// subscribe makes the subscriptions that a topic's properties list, and takes away those that they listed
// before. A mark tells them from others.
func (p topicProperties) subscribe(service *sns.Service, arn string) error {
	const mark = "topic"
	all, err := service.Subscriptions(arn)
	if err != nil {
		return err
	}
	for _, had := range all {
		if had.Mark == mark && !slices.ContainsFunc(p.Subscription, func(s struct{ Endpoint, Protocol string }) bool {
			return s.Endpoint == had.Endpoint && s.Protocol == had.Protocol
		}) {
			if err := service.Unsubscribe(had.ARN); err != nil {
				return err
			}
		}
	}
	for _, s := range p.Subscription {
		if _, err := service.Subscribe(sns.Subscription{Topic: arn, Protocol: s.Protocol, Endpoint: s.Endpoint, Mark: mark}); err != nil {
			return err
		}
	}
	return nil
}

func topics(service *sns.Service) cloudformation.Provider {
	made := func(t sns.Topic, err error) (cloudformation.Resource, error) {
		return made(t.ARN, map[string]any{"TopicArn": t.ARN, "TopicName": t.Name}, err)
	}
	found := func(r cloudformation.Request, p topicProperties) (sns.Topic, bool) {
		name := p.TopicName
		if name == "" {
			name = r.PhysicalName(256)
		}
		for _, t := range service.Topics() {
			if t.ARN == r.PhysicalID || r.PhysicalID == "" && t.Name == name {
				return t, true
			}
		}
		return sns.Topic{Name: name}, false
	}
	return resource[topicProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"TopicName", "DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig", "Subscription", "Tags"},
			CreateOnly: []string{"TopicName"},
			Attributes: []string{"TopicArn", "TopicName"},
		},
		find: func(r cloudformation.Request, p topicProperties) (cloudformation.Resource, string, bool) {
			t, ok := found(r, p)
			got, _ := made(t, nil)
			return got, t.Mark, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p topicProperties) (cloudformation.Resource, error) {
			t, there := found(r, p)
			if there {
				return cloudformation.Resource{}, awsproto.Errorf("AlreadyExists", "%s already exists", t.ARN)
			}
			t, err := service.CreateTopic(sns.Topic{Name: t.Name, Attributes: p.attributes(), Tags: p.Tags.toMap(), Mark: r.Token})
			if err == nil {
				err = p.subscribe(service, t.ARN)
			}
			return made(t, err)
		},
		update: func(_ context.Context, r cloudformation.Request, p topicProperties) (cloudformation.Resource, error) {
			err := service.EditTopic(r.PhysicalID, func(t *sns.Topic) {
				next := p.attributes()
				if policy := t.Attributes["Policy"]; policy != "" {
					next["Policy"] = policy // which is a resource of its own
				}
				t.Attributes, t.Tags = next, p.Tags.toMap()
			})
			if err == nil {
				err = p.subscribe(service, r.PhysicalID)
			}
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.Topic(r.PhysicalID))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ topicProperties) error {
			return service.DeleteTopic(r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html
type subscriptionProperties struct {
	TopicArn, Protocol, Endpoint string
	FilterPolicy                 any
	FilterPolicyScope            string
	RawMessageDelivery           bool
	RedrivePolicy                any
}

func (p subscriptionProperties) attributes() (map[string]string, error) {
	filter, err := policy(p.FilterPolicy)
	if err != nil {
		return nil, err
	}
	redrive, err := policy(p.RedrivePolicy)
	a := map[string]string{}
	for name, value := range map[string]string{"FilterPolicy": filter, "FilterPolicyScope": p.FilterPolicyScope, "RedrivePolicy": redrive} {
		if value != "" {
			a[name] = value
		}
	}
	if p.RawMessageDelivery {
		a["RawMessageDelivery"] = strconv.FormatBool(true)
	}
	return a, err
}

func subscriptions(service *sns.Service) cloudformation.Provider {
	made := func(s sns.Subscription, err error) (cloudformation.Resource, error) {
		return made(s.ARN, map[string]any{"Arn": s.ARN}, err)
	}
	return resource[subscriptionProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"TopicArn", "Protocol", "Endpoint", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"},
			Required:   []string{"TopicArn", "Protocol"},
			CreateOnly: []string{"TopicArn", "Protocol", "Endpoint"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p subscriptionProperties) (cloudformation.Resource, string, bool) {
			all, err := service.Subscriptions("")
			s, ok := which(r, all, func(s sns.Subscription) (string, string) { return s.ARN, s.Mark })
			got, _ := made(s, nil)
			return got, s.Mark, ok && err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p subscriptionProperties) (cloudformation.Resource, error) {
			attributes, err := p.attributes()
			if err != nil {
				return cloudformation.Resource{}, err
			}
			s, err := service.Subscribe(sns.Subscription{Topic: p.TopicArn, Protocol: p.Protocol, Endpoint: p.Endpoint, Attributes: attributes, Mark: r.Token})
			if err == nil && s.Mark != r.Token {
				err = awsproto.Errorf("AlreadyExists", "%s is subscribed to %s already", p.Endpoint, p.TopicArn)
			}
			return made(s, err)
		},
		update: func(_ context.Context, r cloudformation.Request, p subscriptionProperties) (cloudformation.Resource, error) {
			next, err := p.attributes()
			if err == nil {
				err = service.EditSubscription(r.PhysicalID, func(attributes map[string]string) {
					clear(attributes)
					for name, value := range next {
						attributes[name] = value
					}
				})
			}
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.Subscription(r.PhysicalID))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ subscriptionProperties) error {
			return service.Unsubscribe(r.PhysicalID)
		},
	}
}
