package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sent "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// mailbox is a queue from which whatever is received is gone, unless somebody puts it back.
type mailbox struct {
	came chan struct{}

	mu         sync.Mutex
	visibility time.Duration
	waiting    []QueueMessage
	deleted    []string
}

const mailARN = "arn:aws:sqs:us-east-1:000000000000:mail"

func newMailbox() *mailbox {
	return &mailbox{visibility: time.Minute, came: make(chan struct{}, 1)}
}

func (q *mailbox) put(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range bodies {
		q.waiting = append(q.waiting, QueueMessage{ID: "id-" + body, ReceiptHandle: "receipt-" + body, Body: body, System: map[string]string{"ApproximateReceiveCount": "1"},
			Attributes: map[string]QueueAttribute{"text": {DataType: "String", StringValue: "v"}, "bytes": {DataType: "Binary", BinaryValue: []byte{1}}}})
	}
	select {
	case q.came <- struct{}{}:
	default:
	}
}

func (q *mailbox) Queue(arn string) (time.Duration, error) {
	if !strings.HasPrefix(arn, mailARN) {
		return 0, errors.New("no such queue")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.visibility, nil
}

func (q *mailbox) Receive(ctx context.Context, _ string, most int, wait time.Duration) ([]QueueMessage, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		q.mu.Lock()
		n := min(most, len(q.waiting))
		got := slices.Clone(q.waiting[:n])
		q.waiting = q.waiting[n:]
		q.mu.Unlock()
		if n > 0 {
			return got, nil
		}
		select {
		case <-q.came:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *mailbox) Delete(_, handle string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deleted = append(q.deleted, handle)
	slices.Sort(q.deleted)
	return nil
}

func (q *mailbox) setVisibility(visibility time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.visibility = visibility
}

func (q *mailbox) gone() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return strings.Join(q.deleted, " ")
}

func mapped(t *testing.T, s *Service, edit func(*EventSource)) EventSource {
	t.Helper()
	c := EventSource{Function: "f", SourceARN: mailARN}
	if edit != nil {
		edit(&c)
	}
	made, err := s.CreateEventSource(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAQueueIsAnEventSource(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, Queues: q})
	kept := makeSink(t, s, "f", "")
	made := mapped(t, s, nil)
	q.put("one", "two")
	eventually(t, "both deleted", func() bool { return q.gone() == "receipt-one receipt-two" })
	got, _ := kept()
	var e sent.SQSEvent
	if err := json.Unmarshal([]byte(got[0]), &e); err != nil {
		t.Fatal(err)
	}
	want := sent.SQSMessage{MessageId: "id-one", ReceiptHandle: "receipt-one", Body: "one", EventSource: "aws:sqs", EventSourceARN: mailARN, AWSRegion: "us-east-1",
		Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		MessageAttributes: map[string]sent.SQSMessageAttribute{"text": {DataType: "String", StringValue: aws.String("v"), StringListValues: []string{}, BinaryListValues: [][]byte{}},
			"bytes": {DataType: "Binary", BinaryValue: []byte{1}, StringListValues: []string{}, BinaryListValues: [][]byte{}}}}
	if diff := cmp.Diff(want, e.Records[0]); diff != "" {
		t.Errorf("the first record (-want +got):\n%s", diff)
	}
	eventually(t, "its result", func() bool { c, err := s.EventSource(made.UUID); return err == nil && c.LastResult == "OK" })
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// It is there again at the next start.
	s = open(t, Config{Dir: dir, Queues: q})
	q.put("three")
	eventually(t, "the third deleted", func() bool { return strings.Contains(q.gone(), "receipt-three") })
	if _, err := s.DeleteEventSource(made.UUID); err != nil {
		t.Fatal(err)
	}
	if all := s.EventSources(); len(all) != 0 {
		t.Errorf("left: %v", all)
	}
}

func TestAFailedBatchStays(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	kept := makeSink(t, s, "f", "no")
	made := mapped(t, s, nil)
	q.put("one")
	eventually(t, "its result", func() bool {
		c, err := s.EventSource(made.UUID)
		return err == nil && strings.HasPrefix(c.LastResult, "PROBLEM")
	})
	if got, _ := kept(); len(got) != 1 || q.gone() != "" {
		t.Errorf("%d events, deleted %q", len(got), q.gone())
	}
}

func TestAPartOfABatchFails(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	makeSink(t, s, "f", "", func(in *FunctionInput) {
		in.Environment["ANSWER"] = `{"batchItemFailures": [{"itemIdentifier": "id-two"}]}`
	})
	mapped(t, s, func(c *EventSource) { c.ReportFailures = true })
	q.put("one", "two", "three")
	eventually(t, "two of them deleted", func() bool { return q.gone() == "receipt-one receipt-three" })
}

func TestWhatAFunctionReports(t *testing.T) {
	t.Parallel()
	batch := []QueueMessage{{ID: "a"}, {ID: "b"}}
	f := func(answer, want string) {
		t.Helper()
		ids, all := failures([]byte(answer), batch)
		if got := fmt.Sprint(ids, all); got != want {
			t.Errorf("%s: %s, want %s", answer, got, want)
		}
	}
	for _, success := range []string{`null`, ``} {
		f(success, "map[] false")
	}
	for _, success := range []string{`{}`, `{"batchItemFailures": []}`, `{"batchItemFailures": null}`} {
		f(success, "map[] false")
	}
	f(`{"batchItemFailures": [{"itemIdentifier": "b"}]}`, "map[b:true] false")
	for _, failure := range []string{`"kept"`, `not JSON`, `{"batchItemFailures": [{"itemIdentifier": ""}]}`, `{"batchItemFailures": [{"itemIdentifier": null}]}`,
		`{"batchItemFailures": [{"id": "b"}]}`, `{"batchItemFailures": [{"itemIdentifier": "c"}]}`} {
		f(failure, "map[] true")
	}
}

func TestFiltersDelete(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	kept := makeSink(t, s, "f", "")
	mapped(t, s, func(c *EventSource) { c.Filters = []string{`{"body": {"kind": ["book"]}}`, `{"body": ["plain"]}`} })
	q.put(`{"kind": "book"}`, `{"kind": "pen"}`, "plain", "other", `"plain"`)
	eventually(t, "all deleted", func() bool { return strings.Count(q.gone(), "receipt-") == 5 })
	got, _ := kept()
	text := strings.Join(got, "")
	if strings.Count(text, "messageId") != 2 || !strings.Contains(text, "id-plain") || !strings.Contains(text, `id-{\"kind\": \"book\"}`) {
		t.Errorf("the function got %s", text)
	}
}

func TestBatchesAreGathered(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	kept := makeSink(t, s, "f", "")
	for i := range 25 {
		q.put(fmt.Sprint(i))
	}
	mapped(t, s, func(c *EventSource) { c.BatchSize, c.Window = 25, 300*time.Second })
	eventually(t, "all deleted", func() bool { return strings.Count(q.gone(), "receipt-") == 25 })
	if got, _ := kept(); len(got) != 1 {
		t.Errorf("25 messages came in %d events", len(got))
	}
}

func TestALargeBatchIsMoreThanOneEvent(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	kept := makeSink(t, s, "f", "")
	for i := range 8 {
		q.put(fmt.Sprint(i) + strings.Repeat("x", 450_000)) // and as much again, as this mailbox's ID and handle
	}
	mapped(t, s, nil)
	eventually(t, "all deleted", func() bool { return strings.Count(q.gone(), "receipt-") == 8 })
	if got, _ := kept(); len(got) != 2 {
		t.Errorf("they came in %d events", len(got))
	}
}

// While the function is throttled, a batch is tried again and again.
func TestAThrottledBatchIsTriedAgain(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, soon(Config{Queues: q}))
	makeSink(t, s, "f", "", func(in *FunctionInput) { in.ReservedConcurrency = new(int) })
	mapped(t, s, nil)
	q.put("one")
	eventually(t, "it was received", func() bool { q.mu.Lock(); defer q.mu.Unlock(); return len(q.waiting) == 0 })
	if q.gone() != "" {
		t.Fatal("it is deleted, and nobody got it")
	}
	if _, err := s.change(t.Context(), "f", Code{}, sameLayers, func(f *Function) error { f.ReservedConcurrency = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it was deleted", func() bool { return q.gone() == "receipt-one" })
}

func TestEventSourcesThatCannotBe(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	makeSink(t, s, "f", "")
	f := func(want string, edit func(*EventSource)) {
		t.Helper()
		c := EventSource{Function: "f", SourceARN: mailARN}
		edit(&c)
		if _, err := s.CreateEventSource(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("Function not found", func(c *EventSource) { c.Function = "g" })
	f("on this machine it is a queue", func(c *EventSource) { c.SourceARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s" })
	f("no such queue", func(c *EventSource) { c.SourceARN = "arn:aws:sqs:us-east-1:000000000000:none" })
	f("1 to 10000", func(c *EventSource) { c.BatchSize = 10001 })
	f("must be greater than 0", func(c *EventSource) { c.BatchSize = 11 })
	f("0 to 300", func(c *EventSource) { c.Window = 301 * time.Second })
	f("10 at most", func(c *EventSource) { c.SourceARN += ".fifo"; c.BatchSize = 11 })
	f("not supported for FIFO", func(c *EventSource) { c.SourceARN += ".fifo"; c.Window = time.Second })
	f("2 to 1000", func(c *EventSource) { c.MaxConcurrency = 1 })
	f("it takes 5", func(c *EventSource) { c.Filters = make([]string, 6) })
	f("body alone", func(c *EventSource) { c.Filters = []string{`{"eventSource": ["aws:sqs"]}`} })
	q.setVisibility(19 * time.Second)
	f("Queue visibility timeout: 19 seconds is less than Function timeout: 20 seconds", func(*EventSource) {})
	q.setVisibility(20 * time.Second)
	mapped(t, s, nil)
	f("already exists", func(*EventSource) {})
}

func TestEventSourcesOverTheWire(t *testing.T) {
	t.Parallel()
	q := newMailbox()
	s := open(t, Config{Queues: q})
	kept := makeSink(t, s, "f", "")
	c, _ := client(t, s)
	made, err := c.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(mailARN), Enabled: aws.Bool(false),
		BatchSize: aws.Int32(5), ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}, FunctionResponseTypes: []types.FunctionResponseType{"ReportBatchItemFailures"},
		FilterCriteria: &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body": [{"prefix": "a"}]}`)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if *made.State != "Disabled" || *made.BatchSize != 5 || *made.ScalingConfig.MaximumConcurrency != 2 || len(made.FilterCriteria.Filters) != 1 || made.LastModified == nil {
		t.Errorf("made %+v", made)
	}
	q.put("a")
	changed, err := c.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: aws.Bool(true), FunctionResponseTypes: []types.FunctionResponseType{}})
	if err != nil || *changed.State != "Enabled" || len(changed.FunctionResponseTypes) != 0 || *changed.BatchSize != 5 {
		t.Errorf("changed %+v, %v", changed, err)
	}
	eventually(t, "the event", func() bool { got, _ := kept(); return len(got) == 1 })
	list, err := c.ListEventSourceMappings(t.Context(), &sdk.ListEventSourceMappingsInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(mailARN)})
	if err != nil || len(list.EventSourceMappings) != 1 {
		t.Errorf("list %+v, %v", list, err)
	}
	if _, err := c.DeleteEventSourceMapping(t.Context(), &sdk.DeleteEventSourceMappingInput{UUID: made.UUID}); err != nil {
		t.Error(err)
	}
	_, err = c.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: made.UUID})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("gone: %v", err)
	}
	_, err = c.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(mailARN), StartingPosition: "LATEST"})
	if err == nil || !strings.Contains(err.Error(), "StartingPosition is not supported") {
		t.Errorf("a parameter that there is not: %v", err)
	}
}
