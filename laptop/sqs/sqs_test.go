package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func open(t testing.TB, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Endpoint: func() string { return "http://127.0.0.1:4566" }, Problem: func(err error) { t.Error(err) }})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() }) // some have closed it by themselves
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, s *Service, name string, attributes ...string) {
	t.Helper()
	in := QueueInput{Name: name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	_, err := s.CreateQueue(in)
	must(t, err)
}

func send(t testing.TB, s *Service, queue string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		_, err := s.Send(queue, Sending{Body: body})
		must(t, err)
	}
}

// receive gets ten messages at most, and waits for none.
func receive(t testing.TB, s *Service, queue string) []Message {
	t.Helper()
	got, err := s.Receive(t.Context(), queue, Receiving{Max: 10, Wait: new(time.Duration)})
	must(t, err)
	return got
}

func bodies(messages []Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Body)
	}
	return strings.Join(all, " ")
}

func wants(t testing.TB, s *Service, queue, want string) []Message {
	t.Helper()
	got := receive(t, s, queue)
	if bodies(got) != want {
		t.Fatalf("received %q, want %q", bodies(got), want)
	}
	return got
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*awsproto.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestVisibility(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q", "VisibilityTimeout", "30")
		send(t, s, "q", "a", "b")
		got := wants(t, s, "q", "a b")
		wants(t, s, "q", "")
		must(t, s.Delete("q", got[0].ReceiptHandle))
		time.Sleep(20 * time.Second)
		must(t, s.ChangeVisibility("q", got[1].ReceiptHandle, 20*time.Second))
		time.Sleep(19 * time.Second)
		wants(t, s, "q", "")
		time.Sleep(time.Second)
		if err := s.ChangeVisibility("q", got[1].ReceiptHandle, 0); codeOf(err) != "MessageNotInflight" {
			t.Errorf("hiding what is not in flight: %v", err)
		}
		again := wants(t, s, "q", "b")
		if again[0].System["ApproximateReceiveCount"] != "2" || again[0].ReceiptHandle == got[1].ReceiptHandle {
			t.Errorf("received again: %+v", again[0])
		}
		must(t, s.Delete("q", got[1].ReceiptHandle)) // of before: removes nothing
		must(t, s.ChangeVisibility("q", again[0].ReceiptHandle, 0))
		must(t, s.Delete("q", wants(t, s, "q", "b")[0].ReceiptHandle))
		time.Sleep(time.Hour)
		wants(t, s, "q", "")
	})
}

func TestLongPollingAndDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q")
		wait := 20 * time.Second
		start := time.Now()
		if got, err := s.Receive(t.Context(), "q", Receiving{Wait: &wait}); err != nil || len(got) > 0 || time.Since(start) != wait {
			t.Errorf("%v, %v after %v", got, err, time.Since(start))
		}
		go func() {
			time.Sleep(3 * time.Second)
			send(t, s, "q", "late")
		}()
		start = time.Now()
		if got, err := s.Receive(t.Context(), "q", Receiving{Wait: &wait}); err != nil || bodies(got) != "late" || time.Since(start) != 3*time.Second {
			t.Errorf("%v, %v after %v", got, err, time.Since(start))
		}
		delay := 7 * time.Second
		_, err := s.Send("q", Sending{Body: "delayed", Delay: &delay})
		must(t, err)
		if q, err := s.Queue("q"); err != nil || q.Attributes["ApproximateNumberOfMessagesDelayed"] != "1" || q.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
			t.Errorf("%v, %v", q, err)
		}
		start = time.Now()
		if got, err := s.Receive(t.Context(), "q", Receiving{Wait: &wait}); err != nil || bodies(got) != "delayed" || time.Since(start) != delay {
			t.Errorf("%v, %v after %v", got, err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.Receive(ctx, "q", Receiving{Wait: &wait}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = s.Close() })
		if _, err := s.Receive(t.Context(), "q", Receiving{Wait: &wait}); codeOf(err) != "ServiceUnavailable" {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "dead")
		create(t, s, "q", "VisibilityTimeout", "10", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}`)
		send(t, s, "q", "poison", "good")
		for range 2 {
			got := receive(t, s, "q")
			for _, m := range got {
				if m.Body == "good" {
					must(t, s.Delete("q", m.ReceiptHandle))
				}
			}
			wants(t, s, "dead", "")
			time.Sleep(10 * time.Second)
		}
		wants(t, s, "q", "")
		got := wants(t, s, "dead", "poison")
		if source := got[0].System["DeadLetterQueueSourceArn"]; source != "arn:aws:sqs:us-east-1:000000000000:q" {
			t.Errorf("it came from %s", source)
		}
		time.Sleep(time.Hour)
		wants(t, s, "q", "")
		if sources, err := s.DeadLetterSources("dead"); err != nil || !slices.Equal(sources, []string{"arn:aws:sqs:us-east-1:000000000000:q"}) {
			t.Errorf("%v, %v", sources, err)
		}
	})
}

// In a standard dead letter queue a message is as old as when it was sent, in a FIFO queue as when it came:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
func TestRetentionOfDeadLetters(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".fifo"} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, t.TempDir())
			var fifo []string
			in := Sending{Body: "poison"}
			if suffix != "" {
				fifo, in.Group, in.Dedup = []string{"FifoQueue", "true"}, "g", "d"
			}
			create(t, s, "dead"+suffix, append(fifo, "MessageRetentionPeriod", "60")...)
			create(t, s, "q"+suffix, append(fifo, "VisibilityTimeout", "50", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead`+suffix+`","maxReceiveCount":1}`)...)
			_, err := s.Send("q"+suffix, in)
			must(t, err)
			sent := wants(t, s, "q"+suffix, "poison")[0].System["SentTimestamp"]
			time.Sleep(50 * time.Second)
			wants(t, s, "q"+suffix, "")
			got := wants(t, s, "dead"+suffix, "poison")
			if same := got[0].System["SentTimestamp"] == sent; same != (suffix == "") {
				t.Errorf("%q: sent at %s, and as a dead letter at %s", suffix, sent, got[0].System["SentTimestamp"])
			}
			must(t, s.ChangeVisibility("dead"+suffix, got[0].ReceiptHandle, 0))
			time.Sleep(10 * time.Second)
			want := ""
			if suffix != "" {
				want = "poison"
			}
			for _, m := range wants(t, s, "dead"+suffix, want) {
				must(t, s.ChangeVisibility("dead"+suffix, m.ReceiptHandle, 0))
			}
			time.Sleep(50 * time.Second)
			wants(t, s, "dead"+suffix, "")
		})
	}
}

// A crash between a dead letter's arrival and its removal where it came from doubles nothing.
func TestADeadLetterComesOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		create(t, s, "dead", "VisibilityTimeout", "3600")
		create(t, s, "q", "VisibilityTimeout", "10", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}`)
		send(t, s, "q", "poison")
		id := wants(t, s, "q", "poison")[0].ID
		from, err := s.find("q")
		must(t, err)
		to, err := s.find("dead")
		must(t, err)
		must(t, to.adopt(s.arn("q"), []*message{new(*from.messages[id])}))
		must(t, s.Close()) // and not removed from q
		s = open(t, dir)
		time.Sleep(10 * time.Second)
		wants(t, s, "q", "")
		if got := wants(t, s, "dead", "poison"); got[0].ID != id {
			t.Errorf("the dead letter is %s, and was %s", got[0].ID, id)
		}
		time.Sleep(moveTimeout)
		wants(t, s, "q", "")
		wants(t, s, "dead", "")
		must(t, s.Close())
	})
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
func TestTooManyInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q")
		create(t, s, "q.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
		send(t, s, "q", "one")
		_, err := s.Send("q.fifo", Sending{Body: "one", Group: "g"})
		must(t, err)
		more := func(name string, n int) {
			q, err := s.find(name)
			must(t, err)
			q.mu.Lock()
			defer q.mu.Unlock()
			q.inFlight += n
			q.tell()
		}
		more("q", maxInFlight)
		more("q.fifo", maxInFlight)
		if got, err := s.Receive(t.Context(), "q", Receiving{}); codeOf(err) != "OverLimit" || len(got) > 0 {
			t.Errorf("short polling: %v, %v", got, err)
		}
		wants(t, s, "q.fifo", "")
		wait, start := 20*time.Second, time.Now()
		if got, err := s.Receive(t.Context(), "q", Receiving{Wait: &wait}); err != nil || len(got) > 0 || time.Since(start) != wait {
			t.Errorf("long polling: %v, %v after %v", got, err, time.Since(start))
		}
		time.AfterFunc(5*time.Second, func() { more("q", -1) })
		if got, err := s.Receive(t.Context(), "q", Receiving{Wait: &wait}); err != nil || bodies(got) != "one" {
			t.Errorf("when there is room: %v, %v", got, err)
		}
		more("q.fifo", -1)
		wants(t, s, "q.fifo", "one")
	})
}

func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q", "MessageRetentionPeriod", "60")
		send(t, s, "q", "old")
		time.Sleep(59 * time.Second)
		send(t, s, "q", "young")
		time.Sleep(time.Second)
		wants(t, s, "q", "young")
	})
}

func TestFIFO(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true", "VisibilityTimeout", "30")
		put := func(group, body string) Sent {
			t.Helper()
			sent, err := s.Send("q.fifo", Sending{Body: body, Group: group})
			must(t, err)
			return sent
		}
		first := put("a", "a1")
		if again := put("a", "a1"); again.ID != first.ID || again.Sequence != first.Sequence {
			t.Errorf("sent twice: %+v, %+v", first, again)
		}
		put("a", "a2")
		put("b", "b1")
		one, err := s.Receive(t.Context(), "q.fifo", Receiving{Max: 1})
		must(t, err)
		if bodies(one) != "a1" {
			t.Fatalf("received %q", bodies(one))
		}
		rest := wants(t, s, "q.fifo", "b1") // a2 waits for a1
		must(t, s.Delete("q.fifo", rest[0].ReceiptHandle))
		time.Sleep(30 * time.Second)
		if err := s.Delete("q.fifo", one[0].ReceiptHandle); codeOf(err) != "InvalidParameterValue" {
			t.Errorf("an expired handle: %v", err)
		}
		both := wants(t, s, "q.fifo", "a1 a2")
		must(t, s.Delete("q.fifo", both[0].ReceiptHandle))
		must(t, s.Delete("q.fifo", both[1].ReceiptHandle))
		time.Sleep(5 * time.Minute)
		put("a", "a1") // the interval is over
		wants(t, s, "q.fifo", "a1")
		if _, err := s.Send("q.fifo", Sending{Body: "x"}); codeOf(err) != "MissingParameter" {
			t.Errorf("without a group: %v", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	create(t, s, "q", "MaximumMessageSize", "1024")
	refuseQueue := func(want, name string, attributes map[string]string) {
		t.Helper()
		if _, err := s.CreateQueue(QueueInput{Name: name, Attributes: attributes}); codeOf(err) != want {
			t.Errorf("%s %v: %v, want %s", name, attributes, err, want)
		}
	}
	refuseQueue("InvalidParameterValue", "a b", nil)
	refuseQueue("InvalidParameterValue", strings.Repeat("a", 81), nil)
	refuseQueue("InvalidParameterValue", "a.fifo", nil)
	refuseQueue("InvalidParameterValue", "a", map[string]string{"FifoQueue": "true"})
	refuseQueue("InvalidAttributeValue", "a", map[string]string{"VisibilityTimeout": "43201"})
	refuseQueue("InvalidAttributeName", "a", map[string]string{"Colour": "red"})
	refuseQueue("InvalidAttributeName", "a", map[string]string{"ContentBasedDeduplication": "true"})
	refuseQueue("InvalidParameterValue", "a", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none"}`})
	refuseQueue("InvalidParameterValue", "a", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q","maxReceiveCount":0}`})
	refuseQueue("QueueNameExists", "q", map[string]string{"MaximumMessageSize": "2048"})
	refuseQueue("<nil>", "q", map[string]string{"MaximumMessageSize": "1024"})
	refuse := func(want string, in Sending) {
		t.Helper()
		if _, err := s.Send("q", in); codeOf(err) != want {
			t.Errorf("%+v: %v, want %s", in, err, want)
		}
	}
	refuse("MissingParameter", Sending{})
	refuse("InvalidMessageContents", Sending{Body: "\x00"})
	refuse("InvalidMessageContents", Sending{Body: "\xff"})
	refuse("InvalidParameterValue", Sending{Body: strings.Repeat("a", 1025)})
	refuse("InvalidParameterValue", Sending{Body: "a", Dedup: "d"})
	refuse("InvalidParameterValue", Sending{Body: "a", Attributes: map[string]Attribute{"AWS.x": {DataType: "String", StringValue: "v"}}})
	refuse("InvalidParameterValue", Sending{Body: "a", Attributes: map[string]Attribute{"x": {DataType: "Text", StringValue: "v"}}})
	refuse("InvalidParameterValue", Sending{Body: "a", Attributes: map[string]Attribute{"x": {DataType: "Number"}}})
	if err := s.Delete("q", "rubbish"); codeOf(err) != "ReceiptHandleIsInvalid" {
		t.Errorf("a bad handle: %v", err)
	}
	create(t, s, "closed", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
	refuseQueue("InvalidParameterValue", "a", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:closed"}`})
}

// Where IDs are a message group's own, another group may have the same:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
func TestDeduplicationScope(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for scope, want := range map[string]string{"queue": "one", "messageGroup": "one one"} {
		name := scope + ".fifo"
		create(t, s, name, "FifoQueue", "true", "DeduplicationScope", scope)
		for _, group := range []string{"a", "b", "a"} {
			_, err := s.Send(name, Sending{Body: "one", Group: group, Dedup: "d"})
			must(t, err)
		}
		wants(t, s, name, want)
	}
}

// Nobody hides a message for more than 12 hours from when it was received:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func TestVisibilityInAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q", "VisibilityTimeout", "43200")
		send(t, s, "q", "one")
		first := wants(t, s, "q", "one")[0]
		time.Sleep(time.Hour)
		if err := s.ChangeVisibility("q", first.ReceiptHandle, 11*time.Hour+time.Second); codeOf(err) != "InvalidParameterValue" {
			t.Errorf("12 hours and a second: %v", err)
		}
		must(t, s.ChangeVisibility("q", first.ReceiptHandle, 11*time.Hour))
		time.Sleep(11 * time.Hour)
		again := wants(t, s, "q", "one")[0]
		if again.System["ApproximateFirstReceiveTimestamp"] != first.System["ApproximateFirstReceiveTimestamp"] {
			t.Errorf("first received at %s, and then at %s", first.System["ApproximateFirstReceiveTimestamp"], again.System["ApproximateFirstReceiveTimestamp"])
		}
		for _, many := range []int{-1, 11} {
			if _, err := s.Receive(t.Context(), "q", Receiving{Max: many}); codeOf(err) != "InvalidParameterValue" {
				t.Errorf("%d messages at once: %v", many, err)
			}
		}
	})
}

// A queue that was purged counts nothing, and a message's own delay takes the place of the queue's.
func TestPurgeAndDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		create(t, s, "q", "DelaySeconds", "10")
		delay := 5 * time.Second
		_, err := s.Send("q", Sending{Body: "own", Delay: &delay})
		must(t, err)
		send(t, s, "q", "queue's")
		time.Sleep(5 * time.Second)
		wants(t, s, "q", "own")
		time.Sleep(5 * time.Second)
		wants(t, s, "q", "queue's")
		send(t, s, "q", "delayed")
		must(t, s.Purge("q"))
		q, err := s.Queue("q")
		must(t, err)
		for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
			if q.Attributes[name] != "0" {
				t.Errorf("%s is %s", name, q.Attributes[name])
			}
		}
	})
}

// A queue's dead letters go to one of its type that lets them in, and a queue keeps its type.
func TestRedriveRefusals(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	const arn = "arn:aws:sqs:us-east-1:000000000000:"
	create(t, s, "dead", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+arn+`mine"]}`)
	create(t, s, "dead.fifo", "FifoQueue", "true")
	policy := func(target string) map[string]string {
		return map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + arn + target + `","maxReceiveCount":1}`}
	}
	create(t, s, "mine")
	create(t, s, "other")
	must(t, s.SetAttributes("mine", policy("dead")))
	for name, target := range map[string]string{"other": "dead", "mine": "dead.fifo"} {
		if err := s.SetAttributes(name, policy(target)); codeOf(err) != "InvalidParameterValue" {
			t.Errorf("from %s to %s: %v", name, target, err)
		}
	}
	if err := s.SetAttributes("dead.fifo", map[string]string{"FifoQueue": "false"}); codeOf(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "keeps its type") {
		t.Errorf("another type: %v", err)
	}
}
