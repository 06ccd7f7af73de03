package sns

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/targetstest"
)

const (
	function = "arn:aws:lambda:us-east-1:000000000000:function:f"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:q"
	deadARN  = "arn:aws:sqs:us-east-1:000000000000:dead"
)

// world is what subscriptions lead to.
type world struct {
	*targetstest.Targets[Attribute]
}

func newWorld() world { return world{targetstest.New[Attribute]()} }

func (w world) Send(queue, _, body string, attributes map[string]Attribute) error {
	return w.TakeWith(queue, body, attributes)
}

func open(t *testing.T, dir string, w world) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Functions: w, Queues: w, Problem: w.Problem})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newTopic(t *testing.T, s *Service) string {
	t.Helper()
	topic, err := s.CreateTopic(Topic{Name: "t"})
	if err != nil {
		t.Fatal(err)
	}
	return topic.ARN
}

func subscribe(t *testing.T, s *Service, topic, protocol, endpoint string, attributes map[string]string) string {
	t.Helper()
	one, err := s.Subscribe(Subscription{Topic: topic, Protocol: protocol, Endpoint: endpoint, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return one.ARN
}

func publish(t *testing.T, s *Service, topic string, m Message) string {
	t.Helper()
	id, err := s.Publish(topic, m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestFormsOfANotification(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := open(t, t.TempDir(), w)
	defer s.Close()
	topic := newTopic(t, s)
	arn := subscribe(t, s, topic, "lambda", function, nil)
	subscribe(t, s, topic, "sqs", queueARN, nil)
	m := Message{Body: "one book", Subject: "Order", Attributes: map[string]Attribute{"kind": {DataType: "String", StringValue: "book"}, "raw": {DataType: "Binary", BinaryValue: []byte{0, 1}}}}
	id := publish(t, s, topic, m)

	var e events.SNSEvent
	if err := json.Unmarshal([]byte(w.Of(function)[0]), &e); err != nil || len(e.Records) != 1 {
		t.Fatalf("%s: %v", w.Of(function), err)
	}
	r := e.Records[0]
	if r.EventSource != "aws:sns" || r.EventVersion != "1.0" || r.EventSubscriptionArn != arn || r.SNS.MessageID != id || r.SNS.Message != m.Body ||
		r.SNS.Subject != m.Subject || r.SNS.TopicArn != topic || r.SNS.Type != "Notification" || r.SNS.Timestamp.IsZero() {
		t.Errorf("the event: %+v", r)
	}
	if diff := cmp.Diff(map[string]any{"kind": map[string]any{"Type": "String", "Value": "book"}, "raw": map[string]any{"Type": "Binary", "Value": "AAE="}}, r.SNS.MessageAttributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	var document struct{ Type, MessageId, TopicArn, Subject, Message, UnsubscribeURL string }
	if err := json.Unmarshal([]byte(w.Of(queueARN)[0]), &document); err != nil || document.Message != m.Body || document.MessageId != id || document.Subject != m.Subject ||
		!strings.Contains(document.UnsubscribeURL, "Action=Unsubscribe") {
		t.Errorf("the queue got %s: %v", w.Of(queueARN), err)
	}

	// Raw: the message as it is, with its attributes.
	list, err := s.Subscriptions(topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		if one.Protocol == "sqs" {
			if err := s.EditSubscription(one.ARN, func(a map[string]string) { a["RawMessageDelivery"] = "true" }); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(t, s, topic, m)
	if got := w.Of(queueARN)[1]; got != m.Body || !cmp.Equal(w.Attributes(), m.Attributes) {
		t.Errorf("raw: %s with %v", got, w.Attributes())
	}
	// For each protocol its own.
	publish(t, s, topic, Message{Body: `{"default": "d", "lambda": "l"}`, PerProtocol: true})
	if !strings.Contains(w.Of(function)[2], `"Message":"l"`) || w.Of(queueARN)[2] != "d" {
		t.Errorf("per protocol: %s, %s", w.Of(function)[2], w.Of(queueARN)[2])
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := func(v string) Attribute { return Attribute{DataType: "String", StringValue: v} }
	n := func(v string) Attribute { return Attribute{DataType: "Number", StringValue: v} }
	f := func(policy, scope string, m Message, want bool) {
		t.Helper()
		one, err := newFilter(policy, scope)
		if err != nil {
			t.Errorf("%s: %v", policy, err)
			return
		}
		if got := one.fits(m); got != want {
			t.Errorf("%s of %+v: %v", policy, m, got)
		}
	}
	m := Message{Body: `{"kind": "book", "from": {"city": "Sparta"}}`, Attributes: map[string]Attribute{"kind": s("map"), "price": n("12.5"),
		"tags": {DataType: "String.Array", StringValue: `["new", "red"]`}, "blob": {DataType: "Binary", BinaryValue: []byte("x")}}}
	f("", "", m, true)
	f("{}", "", m, true)
	f(`{"kind": ["map", "globe"]}`, "", m, true)
	f(`{"kind": ["book"]}`, "", m, false)
	f(`{"kind": ["book"]}`, "MessageBody", m, true)
	f(`{"from": {"city": [{"prefix": "Spa"}]}}`, "MessageBody", m, true)
	f(`{"kind": ["book"]}`, "MessageBody", Message{Body: "a book"}, false)
	f(`{"price": [{"numeric": [">", 10, "<=", 12.5]}]}`, "", m, true)
	f(`{"price": ["12.5"]}`, "", m, false)
	f(`{"tags": ["red"]}`, "", m, true)
	f(`{"tags": [{"anything-but": ["old"]}]}`, "", m, true)
	f(`{"blob": [{"exists": true}]}`, "", m, false)
	f(`{"none": [{"exists": false}], "kind": [{"anything-but": "book"}]}`, "", m, true)
	f(`{"$or": [{"kind": ["x"]}, {"price": [{"numeric": ["=", 12.5]}]}]}`, "", m, true)
	bad := func(want, policy, scope string) {
		t.Helper()
		if _, err := newFilter(policy, scope); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", policy, err, want)
		}
	}
	bad("Invalid value [Body]", "{}", "Body")
	bad("parse JSON", "{", "")
	bad("more than 5 keys", `{"a": [1], "b": [1], "c": [1], "d": [1], "e": [1], "f": [1]}`, "")
	bad("too complex", `{"a": [1,2,3,4,5,6,7,8,9,10,11,12,13], "b": [1,2,3,4,5,6,7,8,9,10,11,12]}`, "")
	bad("nested", `{"a": {"b": ["x"]}}`, "")
	bad("there is no such operator", `{"a": [{"like": "x"}]}`, "")
}

// What is down is tried again as AWS documents it, also by the next start.
func TestDeliveriesAreTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Fail(func(string) error { return errors.New("down") })
		s := open(t, dir, w)
		topic := newTopic(t, s)
		subscribe(t, s, topic, "sqs", queueARN, nil)
		publish(t, s, topic, Message{Body: "one"})
		synctest.Wait()
		if n := len(w.Attempts()); n != 4 {
			t.Errorf("%d attempts at once", n)
		}
		time.Sleep(40 * time.Second)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 0, 0, 0, 1, 2, 3, 5, 9, 17, 33} // seconds: by 1, 1, and then 1, 2, 4, 8, 16, 20
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, w.Attempts()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		w.Fail(nil)
		s = open(t, dir, w)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if got := w.Of(queueARN); len(got) != 1 || !strings.Contains(got[0], `"Message":"one"`) {
			t.Errorf("after a start: %q", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What is refused goes to the dead letter queue at once, and without one is told.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Fail(func(endpoint string) error {
		if endpoint == deadARN {
			return nil
		}
		return &awsproto.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: "you may not"}
	})
	s := open(t, t.TempDir(), w)
	defer s.Close()
	topic := newTopic(t, s)
	subscribe(t, s, topic, "lambda", function, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn": "` + deadARN + `"}`})
	publish(t, s, topic, Message{Body: "lost"})
	if got := w.Of(deadARN); len(got) != 1 || !strings.Contains(got[0], `"Message":"lost"`) || len(w.Problems()) > 0 {
		t.Errorf("the dead letters: %q; problems: %q", got, w.Problems())
	}
	subscribe(t, s, topic, "sqs", queueARN, nil)
	publish(t, s, topic, Message{Body: "lost"})
	if len(w.Problems()) != 1 || !strings.Contains(w.Problems()[0], "a message is lost") || !strings.Contains(w.Problems()[0], "you may not") {
		t.Errorf("problems: %q", w.Problems())
	}
}

// Everything is there after a start, and what a topic leaves is not.
func TestStateIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, newWorld())
	topic := newTopic(t, s)
	other, err := s.CreateTopic(Topic{Name: "other", Tags: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := subscribe(t, s, topic, "lambda", function, map[string]string{"FilterPolicy": `{"a": ["b"]}`})
	gone := subscribe(t, s, other.ARN, "lambda", function, nil)
	if err := s.DeleteTopic(other.ARN); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, newWorld())
	defer s.Close()
	if one, err := s.Subscription(arn); err != nil || one.Attributes["FilterPolicy"] == "" {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := s.Subscription(gone); err == nil {
		t.Error("a subscription has outlived its topic")
	}
	if all := s.Topics(); len(all) != 1 || all[0].Name != "t" {
		t.Errorf("topics: %+v", all)
	}
}

// A service is let in by the topic's policy alone.
func TestPublishFor(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), newWorld())
	defer s.Close()
	topic := newTopic(t, s)
	const rule = "arn:aws:events:us-east-1:000000000000:rule/r"
	if _, err := s.PublishFor("events.amazonaws.com", rule, topic, Message{Body: "x"}); err == nil {
		t.Error("a topic without a policy lets EventBridge in")
	}
	if err := s.EditTopic(topic, func(t *Topic) {
		t.Attributes["Policy"] = `{"Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": "` + topic + `"}}`
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishFor("events.amazonaws.com", rule, topic, Message{Body: "x"}); err != nil {
		t.Error(err)
	}
}
