package deploy

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// OutputTopic is the output with a topic's ARN.
func OutputTopic(topic string) string { return topic + "Topic" }

// OutputBus is the output with a bus's name.
func OutputBus(bus string) string { return bus + "Bus" }

// topicsAndRules adds to the application's stack its topics and buses, and what they call.
func topicsAndRules(app *ephor.App, t cfn.Template) {
	for _, topic := range app.Topics() {
		t.Resources[topic.Name+"Topic"] = cfn.Resource{Type: "AWS::SNS::Topic"}
		t.Outputs[OutputTopic(topic.Name)] = cfn.Output{Description: "The ARN of topic " + topic.Name, Value: cfn.Ref(topic.Name + "Topic")}
	}
	for _, bus := range app.Buses() {
		t.Resources[bus.Name+"Bus"] = cfn.Resource{Type: "AWS::Events::EventBus", Properties: map[string]any{"Name": cfn.Sub("${AWS::StackName}-" + bus.Name)}}
		t.Outputs[OutputBus(bus.Name)] = cfn.Output{Description: "The name of bus " + bus.Name, Value: cfn.Ref(bus.Name + "Bus")}
	}
	letters := deadLetters{}
	for _, trigger := range app.Triggers() {
		f := trigger.Function.Name
		switch s := trigger.Source.(type) {
		case ephor.Notifications:
			t.Resources[f+"From"+s.Topic.Name+"Topic"] = subscription(f, s)
			t.Resources[f+"By"+s.Topic.Name+"Topic"] = callPermission(f, "sns.amazonaws.com", cfn.Ref(s.Topic.Name+"Topic"))
			letters.from(s.DeadLetters, "sns.amazonaws.com", cfn.Ref(s.Topic.Name+"Topic"))
		case ephor.Events:
			id := ruleID(f, s)
			t.Resources[id] = rule(f, s)
			t.Resources[id+"Permission"] = callPermission(f, "events.amazonaws.com", cfn.GetAtt(id, "Arn"))
			letters.from(s.DeadLetters, "events.amazonaws.com", cfn.GetAtt(id, "Arn"))
		}
	}
	maps.Copy(t.Resources, letters.policies())
}

// callPermission lets a service call a function on behalf of something.
func callPermission(function, principal string, source any) cfn.Resource {
	return cfn.Resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{
		"FunctionName": cfn.Ref(function + "Function"), "Action": "lambda:InvokeFunction", "Principal": principal, "SourceArn": source,
	}}
}

// subscription leads a topic's messages to a function.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html
func subscription(function string, s ephor.Notifications) cfn.Resource {
	p := map[string]any{"TopicArn": cfn.Ref(s.Topic.Name + "Topic"), "Protocol": "lambda", "Endpoint": cfn.GetAtt(function+"Function", "Arn")}
	if s.Filter != "" {
		p["FilterPolicy"] = json.RawMessage(s.Filter)
		p["FilterPolicyScope"] = "MessageAttributes"
		if s.Body {
			p["FilterPolicyScope"] = "MessageBody"
		}
	}
	if s.DeadLetters != nil {
		p["RedrivePolicy"] = map[string]any{"deadLetterTargetArn": queueARN(s.DeadLetters)}
	}
	return cfn.Resource{Type: "AWS::SNS::Subscription", Properties: p}
}

// ruleID tells a function's rules apart, whatever their order.
func ruleID(function string, s ephor.Events) string {
	bus := ""
	if s.Bus != nil {
		bus = s.Bus.Name
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s", bus, s.Pattern))
	return fmt.Sprintf("%sRule%x", function, sum[:4])
}

// rule leads events to a function.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
func rule(function string, s ephor.Events) cfn.Resource {
	target := map[string]any{"Id": function, "Arn": cfn.GetAtt(function+"Function", "Arn")}
	if s.DeadLetters != nil {
		target["DeadLetterConfig"] = map[string]any{"Arn": queueARN(s.DeadLetters)}
	}
	p := map[string]any{"EventPattern": json.RawMessage(s.Pattern), "State": "ENABLED", "Targets": []any{target}}
	if s.Bus != nil {
		p["EventBusName"] = cfn.Ref(s.Bus.Name + "Bus")
	}
	return cfn.Resource{Type: "AWS::Events::Rule", Properties: p}
}

// deadLetters are who may put what into queues, by queue: a queue has one policy.
type deadLetters map[string][]any

func (d deadLetters) from(q *ephor.Queue, principal string, source any) {
	if q == nil {
		return
	}
	// https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
	d[q.Name] = append(d[q.Name], map[string]any{"Effect": "Allow", "Principal": map[string]any{"Service": principal}, "Action": "sqs:SendMessage",
		"Resource": queueARN(q), "Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": source}}})
}

func (d deadLetters) policies() map[string]cfn.Resource {
	out := map[string]cfn.Resource{}
	for queue, statements := range d {
		slices.SortFunc(statements, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		out[queue+"QueuePolicy"] = cfn.Resource{Type: "AWS::SQS::QueuePolicy", Properties: map[string]any{
			"Queues": []any{cfn.Ref(queue + "Queue")}, "PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": statements},
		}}
	}
	return out
}
