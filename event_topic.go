package ephor

import "strings"

// Topic is a standard SNS topic in the application's stack.
//
// https://docs.aws.amazon.com/sns/latest/dg/welcome.html
type Topic struct {
	// Name is the logical ID in the stack: letters and digits.
	Name string
}

// Topic adds a topic.
func (a *App) Topic(name string) *Topic {
	t := &Topic{Name: name}
	a.topics = append(a.topics, t)
	return t
}

// Topics are the topics in the order in which they were added.
func (a *App) Topics() []*Topic { return append([]*Topic(nil), a.topics...) }

// Notifications lets a topic's messages call a function: events.SNSEvent.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
type Notifications struct {
	Topic *Topic
	// Filter is a filter policy, such as {"kind": ["book"]}, that looks at a message's attributes; "" lets every
	// message through.
	//
	// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
	Filter string
	// Body lets Filter look at the message itself, which is JSON then.
	Body bool
	// DeadLetters is the queue for messages that Lambda does not take; nil loses them. What the function itself
	// fails at is not among them: that is tried again as an asynchronous invocation.
	DeadLetters *Queue
}

// Bus is an EventBridge event bus of the application's own. It is called APPLICATION-BUS.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html
type Bus struct {
	// Name is the logical ID in the stack: letters and digits.
	Name string
}

// Bus adds an event bus.
func (a *App) Bus(name string) *Bus {
	b := &Bus{Name: name}
	a.buses = append(a.buses, b)
	return b
}

// Buses are the event buses in the order in which they were added.
func (a *App) Buses() []*Bus { return append([]*Bus(nil), a.buses...) }

// Events lets the events of a bus that fit a pattern call a function: events.EventBridgeEvent.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
type Events struct {
	// Bus is where they come by; nil is the account's own, which is called default, and where AWS's services
	// put theirs.
	Bus *Bus
	// Pattern says which events, such as {"source": ["aws.s3"], "detail-type": ["Object Created"]}.
	//
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
	Pattern string
	// DeadLetters is the queue for events that Lambda does not take; nil loses them.
	DeadLetters *Queue
}

func (Notifications) source() {}
func (Events) source()        {}

func (t *Topic) variable() string { return "TOPIC_" + strings.ToUpper(t.Name) }
func (b *Bus) variable() string   { return "BUS_" + strings.ToUpper(b.Name) }
