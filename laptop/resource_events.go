package laptop

import (
	"context"
	"errors"
	"strings"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/eventbridge"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/sns"
	"github.com/ephor-io/ephor/laptop/sqs"
)

const eventsPrincipal = "events.amazonaws.com"

// ruleTargets lets EventBridge call functions, queues and topics.
type ruleTargets struct {
	functions *lambda.Service
	queues    *sqs.Service
	topics    *sns.Service
}

func (t ruleTargets) Invoke(ctx context.Context, function, rule string, event []byte) error {
	_, err := t.functions.InvokeAsync(ctx, lambda.InvokeInput{Function: function, Payload: event, Principal: eventsPrincipal, SourceARN: rule})
	return err
}

func (t ruleTargets) Send(queue, rule, body, group string, attributes map[string]string) error {
	m := sqs.Sending{Body: body, Group: group}
	for name, value := range attributes {
		if m.Attributes == nil {
			m.Attributes = map[string]sqs.Attribute{}
		}
		m.Attributes[name] = sqs.Attribute{DataType: "String", StringValue: value}
	}
	_, err := t.queues.SendFor(eventsPrincipal, rule, queue, m)
	return err
}

func (t ruleTargets) Publish(topic, rule, message string) error {
	_, err := t.topics.PublishFor(eventsPrincipal, rule, topic, sns.Message{Body: message})
	return err
}

// bucketEvents lets S3 tell EventBridge.
type bucketEvents struct{ service func() *eventbridge.Service }

func (b bucketEvents) Emit(bucketARN, detailType string, detail []byte) error {
	_, err := b.service().Emit(eventbridge.Event{Source: "aws.s3", DetailType: detailType, Detail: string(detail), Resources: []string{bucketARN}})
	return err
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbus.html
type busProperties struct {
	Name, Description string
	Tags              tags
}

func eventBuses(service *eventbridge.Service) cloudformation.Provider {
	made := func(b eventbridge.Bus, err error) (cloudformation.Resource, error) {
		return made(b.Name, map[string]any{"Arn": service.BusARN(b.Name), "Name": b.Name}, err)
	}
	return resource[busProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "Description", "Tags"},
			Required:   []string{"Name"},
			CreateOnly: []string{"Name"},
			Attributes: []string{"Arn", "Name"},
		},
		find: func(r cloudformation.Request, p busProperties) (cloudformation.Resource, string, bool) {
			b, err := service.Bus(physical(r, p.Name, 0, asItIs))
			got, _ := made(b, nil)
			return got, b.Mark, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p busProperties) (cloudformation.Resource, error) {
			return made(service.CreateBus(eventbridge.Bus{Name: p.Name, Description: p.Description, Tags: p.Tags.toMap(), Mark: r.Token}))
		},
		update: func(_ context.Context, r cloudformation.Request, p busProperties) (cloudformation.Resource, error) {
			err := service.EditBus(r.PhysicalID, func(b *eventbridge.Bus) { b.Description, b.Tags = p.Description, p.Tags.toMap() })
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.Bus(r.PhysicalID))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ busProperties) error {
			return service.DeleteBus(r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
type eventRuleProperties struct {
	Name, EventBusName, Description, ScheduleExpression, State string
	EventPattern                                               any
	Targets                                                    []struct {
		Id, Arn, Input, InputPath string
		InputTransformer          *struct {
			InputPathsMap map[string]string
			InputTemplate string
		}
		SqsParameters    struct{ MessageGroupId string }
		DeadLetterConfig struct{ Arn string }
		RetryPolicy      struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds *int }
	}
	Tags tags
}

func (p eventRuleProperties) targets() []eventbridge.Target {
	var all []eventbridge.Target
	for _, t := range p.Targets {
		one := eventbridge.Target{ID: t.Id, ARN: t.Arn, Input: t.Input, InputPath: t.InputPath, Group: t.SqsParameters.MessageGroupId, DeadLetters: t.DeadLetterConfig.Arn,
			Retries: t.RetryPolicy.MaximumRetryAttempts, MaxAge: t.RetryPolicy.MaximumEventAgeInSeconds}
		if t.InputTransformer != nil {
			one.Template = &eventbridge.Template{Paths: t.InputTransformer.InputPathsMap, Text: t.InputTransformer.InputTemplate}
		}
		all = append(all, one)
	}
	return all
}

// A rule of a custom bus is called BUS|NAME, one of default by its name alone.
func ruleName(r cloudformation.Request, p eventRuleProperties) (bus, name string) {
	if bus, name, custom := strings.Cut(r.PhysicalID, "|"); custom {
		return bus, name
	}
	bus = p.EventBusName[strings.LastIndex(p.EventBusName, "/")+1:]
	return bus, physical(r, p.Name, 64, asItIs)
}

func rules(service *eventbridge.Service) cloudformation.Provider {
	made := func(rule eventbridge.Rule, err error) (cloudformation.Resource, error) {
		id := rule.Name
		if rule.Bus != "default" {
			id = rule.Bus + "|" + rule.Name
		}
		return made(id, map[string]any{"Arn": service.RuleARN(rule.Bus, rule.Name)}, err)
	}
	put := func(_ context.Context, r cloudformation.Request, p eventRuleProperties) (cloudformation.Resource, error) {
		if p.State != "" && p.State != "ENABLED" && p.State != "DISABLED" {
			return cloudformation.Resource{}, awsproto.Errorf("ValidationException", "State %s: on this machine it is ENABLED or DISABLED", p.State)
		}
		pattern, err := policy(p.EventPattern)
		if err != nil {
			return cloudformation.Resource{}, err
		}
		bus, name := ruleName(r, p)
		before, err := service.Rule(bus, name)
		there := err == nil
		if there && r.PhysicalID == "" {
			return cloudformation.Resource{}, awsproto.Errorf("ResourceAlreadyExistsException", "Rule %s already exists", name)
		}
		if _, err = service.PutRule(eventbridge.Rule{Name: name, Bus: bus, Pattern: pattern, Schedule: p.ScheduleExpression, Description: p.Description,
			Disabled: p.State == "DISABLED", Tags: p.Tags.toMap(), Mark: r.Token}); err != nil {
			return cloudformation.Resource{}, err
		}
		if err := service.EditRule(bus, name, func(rule *eventbridge.Rule) error { rule.Targets = p.targets(); return nil }); err != nil {
			if !there { // half a rule is none
				return cloudformation.Resource{}, errors.Join(err, service.DeleteRule(bus, name))
			}
			return cloudformation.Resource{}, errors.Join(err, service.EditRule(bus, name, func(rule *eventbridge.Rule) error { *rule = before; return nil }))
		}
		return made(service.Rule(bus, name))
	}
	return resource[eventRuleProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "EventBusName", "Description", "EventPattern", "ScheduleExpression", "State", "Targets", "Tags"},
			CreateOnly: []string{"Name", "EventBusName"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p eventRuleProperties) (cloudformation.Resource, string, bool) {
			bus, name := ruleName(r, p)
			rule, err := service.Rule(bus, name)
			got, _ := made(rule, nil)
			return got, rule.Mark, err == nil
		},
		create: put,
		update: put,
		// A restart is no change: a rate goes on as it was.
		restore: func(_ context.Context, r cloudformation.Request, p eventRuleProperties) (cloudformation.Resource, error) {
			bus, name := ruleName(r, p)
			return made(service.Rule(bus, name))
		},
		remove: func(_ context.Context, r cloudformation.Request, p eventRuleProperties) error {
			bus, name := ruleName(r, p)
			err := service.EditRule(bus, name, func(rule *eventbridge.Rule) error { rule.Targets = nil; return nil })
			if err != nil {
				return goneRule(err)
			}
			return service.DeleteRule(bus, name)
		},
	}
}

// goneRule passes over that a rule or its bus is not there, which EventBridge says with status 400.
func goneRule(err error) error {
	if awsproto.From(err).Code == "ResourceNotFoundException" {
		return nil
	}
	return err
}
