package ephor

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Source is what calls a function by itself: Messages, Schedule, Objects, Notifications or Events. Of which
// form the events are says the type of aws-lambda-go's package events that each names.
type Source interface{ source() }

// Trigger is a source and the function that it calls.
type Trigger struct {
	Source   Source
	Function *Function
}

// On lets a source call f.
//
//	orders := app.Queue("Orders")
//	app.On(ephor.Messages{Queue: orders}, ship)
//	app.On(ephor.Schedule{Rate: 5 * time.Minute}, tidy)
//	app.On(ephor.Objects{Bucket: uploads, Suffix: ".png"}, thumbnail)
//	app.On(ephor.Notifications{Topic: news, Filter: `{"kind": ["book"]}`}, tell)
//	app.On(ephor.Events{Pattern: `{"source": ["shop"]}`}, note)
func (a *App) On(s Source, f *Function) { a.triggers = append(a.triggers, Trigger{s, f}) }

// Triggers are the sources in the order in which they were added.
func (a *App) Triggers() []Trigger { return slices.Clone(a.triggers) }

// Queue is an SQS queue in the application's stack. Its fields may be set until the App is handed to
// cli.Main.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-queue-parameters.html
type Queue struct {
	// Name is the logical ID in the stack: letters and digits.
	Name string
	// FIFO keeps the messages of a group in order and drops doubles of five minutes. A queue stays what
	// it is.
	FIFO bool
	// ContentDedup lets a FIFO queue tell doubles by their body.
	ContentDedup bool
	// Visibility is how long a message that was received is hidden from others; whole seconds, 12 hours
	// at most. 0 means what AWS recommends, six times the timeout of the slowest function that it leads
	// to and the Window, and 30 s without one.
	Visibility time.Duration
	// Delay hides every new message; whole seconds, 15 minutes at most.
	Delay time.Duration
	// Retention is how long a message is kept, a minute to 14 days; 0 means four days.
	Retention time.Duration
	// DeadLetters is the queue for messages that were received Tries times in vain; nil keeps them
	// until their retention is over.
	DeadLetters *Queue
	// Tries is how often a message is received before that, 1 to 1000; 0 means 5.
	Tries int
}

// Queue adds a queue.
func (a *App) Queue(name string) *Queue {
	q := &Queue{Name: name}
	a.queues = append(a.queues, q)
	return q
}

// Queues are the queues in the order in which they were added.
func (a *App) Queues() []*Queue { return slices.Clone(a.queues) }

// Messages lets a queue's messages call a function: events.SQSEvent. What the function does not take,
// by an error, comes again when the queue's Visibility is over.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
type Messages struct {
	Queue *Queue
	// Batch is how many messages an event has at most: 1 to 10000, of a FIFO queue 10; 0 means 10.
	Batch int
	// Window is how long messages are gathered; whole seconds, 5 minutes at most, none of a FIFO queue. A
	// Batch above 10 wants one.
	Window time.Duration
	// Filters are event patterns for body, such as {"body": {"kind": ["book"]}}, five at most. A
	// message that fits none of them is deleted.
	Filters []string
	// Partial lets the function return an events.SQSEventResponse with the messages that failed: only
	// those come again.
	Partial bool
	// Concurrency is how many batches are under way at most: 2 to 1000; 0 sets no limit of its own.
	Concurrency int
}

// Schedule calls a function at times, in EventBridge Scheduler's way. One of Rate, Cron and At is set.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
type Schedule struct {
	// Rate calls every so often: whole minutes.
	Rate time.Duration
	// Cron is the six fields minutes, hours, day of month, month, day of week, year: "0 8 ? * MON-FRI *".
	Cron string
	// At calls once, at 2026-12-24T18:00:00.
	At string
	// Zone is where Cron and At are told, such as Europe/Berlin; "" means UTC.
	Zone string
	// Input is the event, JSON, in which Scheduler replaces <aws.scheduler.scheduled-time> and the like; ""
	// means an events.EventBridgeEvent.
	Input string
	// Flexible lets AWS call up to that much later; whole minutes, a day at most.
	Flexible time.Duration
}

// Expression is the schedule as AWS writes it: rate(5 minutes), cron(…), at(…).
func (s Schedule) Expression() string {
	switch {
	case s.Cron != "":
		return "cron(" + s.Cron + ")"
	case s.At != "":
		return "at(" + s.At + ")"
	}
	n, unit := int64(s.Rate/time.Minute), "minute"
	switch {
	case n > 0 && n%(24*60) == 0:
		n, unit = n/(24*60), "day"
	case n > 0 && n%60 == 0:
		n, unit = n/60, "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return "rate(" + strconv.FormatInt(n, 10) + " " + unit + ")"
}

// Bucket is an S3 bucket in the application's stack, private and encrypted. It is called
// APPLICATION-BUCKET-ACCOUNT-REGION, in small letters. It goes with the stack, whose deletion fails while
// the bucket holds something.
type Bucket struct {
	// Name is the logical ID in the stack: letters and digits.
	Name string
	// Versioned keeps what objects were before.
	Versioned bool
	// EventBridge lets what happens to objects come by the bus default, for Events.
	EventBridge bool
}

// Bucket adds a bucket.
func (a *App) Bucket(name string) *Bucket {
	b := &Bucket{Name: name}
	a.buckets = append(a.buckets, b)
	return b
}

// Buckets are the buckets in the order in which they were added.
func (a *App) Buckets() []*Bucket { return slices.Clone(a.buckets) }

// Objects lets what happens to a bucket's objects call a function: events.S3Event.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/NotificationHowTo.html
type Objects struct {
	Bucket *Bucket
	// Removed is for objects that go; otherwise it is for those that come.
	Removed bool
	// Prefix and Suffix of the key; "" means any.
	Prefix, Suffix string
}

func (Messages) source() {}
func (Schedule) source() {}
func (Objects) source()  {}

// Resource is what a function may be let use: a *Queue, a *Bucket, a *Topic or a *Bus.
type Resource interface{ variable() string }

func (q *Queue) variable() string  { return "QUEUE_" + strings.ToUpper(q.Name) }
func (b *Bucket) variable() string { return "BUCKET_" + strings.ToUpper(b.Name) }

// Use lets the function send messages to queues, publish to topics, put events on buses, and read, write, list and
// delete objects of buckets. It finds a queue's URL in the environment variable QUEUE_ORDERS if the queue is
// called Orders, a topic's ARN in TOPIC_NEWS, and the names of a bus and a bucket in BUS_SHOP and BUCKET_UPLOADS.
func (f *Function) Use(resources ...Resource) { f.uses = append(f.uses, resources...) }

// Uses are what the function may use, by the names of the environment variables.
func (f *Function) Uses() map[string]Resource {
	m := map[string]Resource{}
	for _, r := range f.uses {
		m[r.variable()] = r
	}
	return m
}
