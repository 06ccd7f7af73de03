package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pattern"
)

// EventSource is an event source mapping: a queue whose messages a function gets. See
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
type EventSource struct {
	UUID      string
	Function  string // the function's ARN, with a qualifier if one was given
	SourceARN string // the queue's
	EventSourceSettings
	LastModified time.Time
	// LastResult is that of the last batch, as Lambda words it: No records processed, OK, or
	// PROBLEM: Function call failed. It is not kept.
	LastResult string `json:"-"`
	Mark       string // by which whoever made it knows it; not shown
}

// EventSourceSettings are what can be changed of an event source mapping.
type EventSourceSettings struct {
	// BatchSize is how many messages an event has at most: 1 to 10000, of a FIFO queue 10 at most; 0
	// means 10.
	BatchSize int
	// Window is how long messages are gathered: whole seconds, 300 at most, none of a FIFO queue.
	Window time.Duration
	// Filters are event patterns for body, five at most; what fits none of them is deleted.
	Filters []string
	// ReportFailures lets the function name those messages of a batch that have failed.
	ReportFailures bool
	// MaxConcurrency is how many batches are under way at most: 2 to 1000; 0 means no limit of its own.
	MaxConcurrency int
	// Disabled leaves the messages where they are.
	Disabled bool
}

// Queues is where the messages are. A queue is named by its ARN.
type Queues interface {
	// Queue tells how long a message that was received is hidden, or an error if there is no queue.
	Queue(arn string) (visibility time.Duration, err error)
	// Receive waits for messages, ten at most.
	Receive(ctx context.Context, arn string, max int, wait time.Duration) ([]QueueMessage, error)
	// Delete removes a message that was received.
	Delete(arn, receiptHandle string) error
}

// QueueMessage is a message that was received.
type QueueMessage struct {
	ID, ReceiptHandle, Body string
	BodyMD5, AttributesMD5  string
	System                  map[string]string
	Attributes              map[string]QueueAttribute
}

// QueueAttribute is an attribute of a message's sender.
type QueueAttribute struct {
	DataType, StringValue string
	BinaryValue           []byte
}

func (c EventSource) clone() EventSource {
	c.Filters = slices.Clone(c.Filters)
	return c
}

func (c EventSource) fifo() bool { return strings.HasSuffix(c.SourceARN, ".fifo") }

func (c EventSourceSettings) batch() int { return cmp.Or(c.BatchSize, 10) }

// check reports what Lambda does not take.
func (c EventSource) check() error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	switch {
	case c.BatchSize < 0 || c.BatchSize > 10000:
		return bad("BatchSize %d: 1 to 10000", c.BatchSize)
	case c.fifo() && c.batch() > 10:
		return bad("BatchSize %d: a FIFO queue's is 10 at most", c.BatchSize)
	case c.Window < 0 || c.Window > 300*time.Second || c.Window%time.Second != 0:
		return bad("MaximumBatchingWindowInSeconds %v: 0 to 300", c.Window.Seconds())
	case c.fifo() && c.Window > 0:
		return bad("Batching window is not supported for FIFO queues")
	case c.batch() > 10 && c.Window == 0:
		return bad("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case c.MaxConcurrency != 0 && (c.MaxConcurrency < 2 || c.MaxConcurrency > 1000):
		return bad("MaximumConcurrency %d: 2 to 1000", c.MaxConcurrency)
	case len(c.Filters) > 5:
		return bad("FilterCriteria has %d filters; it takes 5", len(c.Filters))
	}
	_, err := parseFilters(c.Filters)
	return err
}

// maxFilter is the length of a filter's pattern, see
// https://docs.aws.amazon.com/lambda/latest/api/API_Filter.html
const maxFilter = 4096

// parseFilters reads filters. Queues have body alone to filter by:
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func parseFilters(filters []string) ([]*pattern.Pattern, error) {
	var all []*pattern.Pattern
	for _, text := range filters {
		p, err := pattern.Parse(text)
		if err == nil && !slices.Equal(p.Keys(), []string{"body"}) {
			err = fmt.Errorf("it looks at %s; a queue's filter looks at body alone", strings.Join(p.Keys(), ", "))
		}
		if err == nil && len(text) > maxFilter {
			err = fmt.Errorf("it has %d characters; %d are allowed", len(text), maxFilter)
		}
		if err != nil {
			return nil, awsproto.Errorf("InvalidParameterValueException", "Invalid filter pattern definition: %v", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// record is the message as the event has it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func (c EventSource) record(m QueueMessage) ([]byte, error) {
	type attribute struct {
		StringValue      *string  `json:"stringValue,omitempty"`
		BinaryValue      []byte   `json:"binaryValue,omitempty"`
		StringListValues []string `json:"stringListValues"`
		BinaryListValues []string `json:"binaryListValues"`
		DataType         string   `json:"dataType"`
	}
	attributes := map[string]attribute{}
	for name, a := range m.Attributes {
		out := attribute{BinaryValue: a.BinaryValue, StringListValues: []string{}, BinaryListValues: []string{}, DataType: a.DataType}
		if a.BinaryValue == nil {
			out.StringValue = &a.StringValue
		}
		attributes[name] = out
	}
	region := strings.Split(c.SourceARN, ":")[3]
	return json.Marshal(struct {
		ID            string               `json:"messageId"`
		ReceiptHandle string               `json:"receiptHandle"`
		Body          string               `json:"body"`
		System        map[string]string    `json:"attributes"`
		Attributes    map[string]attribute `json:"messageAttributes"`
		AttributesMD5 string               `json:"md5OfMessageAttributes,omitempty"`
		MD5           string               `json:"md5OfBody"`
		Source        string               `json:"eventSource"`
		ARN           string               `json:"eventSourceARN"`
		Region        string               `json:"awsRegion"`
	}{m.ID, m.ReceiptHandle, m.Body, m.System, attributes, m.AttributesMD5, m.BodyMD5, "aws:sqs", c.SourceARN, region})
}

// wanted says that a message fits one of the filters. A body that is no JSON object or list is text to them.
func wanted(filters []*pattern.Pattern, m QueueMessage) bool {
	if len(filters) == 0 {
		return true
	}
	var body any = m.Body
	switch v, err := pattern.Decode([]byte(m.Body)); v.(type) {
	case map[string]any, []any:
		if err == nil {
			body = v
		}
	}
	return slices.ContainsFunc(filters, func(p *pattern.Pattern) bool { return p.Match(map[string]any{"body": body}) })
}

// failures are the IDs of the messages that a function reports as failed; all is true where it says so or
// says nothing that can be understood.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func failures(answer []byte, batch []QueueMessage) (ids map[string]bool, all bool) {
	if len(answer) == 0 {
		return nil, false
	}
	var report *struct {
		Failures []map[string]json.RawMessage `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &report); err != nil {
		return nil, true
	}
	if report == nil {
		return nil, false
	}
	ids = map[string]bool{}
	for _, f := range report.Failures {
		var id string
		if err := json.Unmarshal(f["itemIdentifier"], &id); err != nil || !slices.ContainsFunc(batch, func(m QueueMessage) bool { return m.ID == id }) {
			return nil, true
		}
		ids[id] = true
	}
	return ids, false
}

func errNoEventSource(id string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
		Message: "The resource you requested does not exist: event source mapping " + id}
}
