package sqs

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	namespace = "http://queue.amazonaws.com/doc/2012-11-05/"
	// maxRequest is above the largest batch, whose bytes may need six each in JSON.
	maxRequest = 8 << 20
)

// ServeHTTP answers both of SQS's protocols: JSON 1.0, which SDKs speak since 2023, and query, which
// they spoke before. See
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, isJSON := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if isJSON {
		out, err := s.serveJSON(r, target)
		if err == nil {
			err = awsproto.WriteJSON(w, http.StatusOK, out)
		}
		if err != nil {
			writeJSONError(w, err)
		}
		return
	}
	action, out, err := s.serveQuery(r)
	if err == nil {
		err = awsproto.WriteQuery(w, namespace, action, out)
	}
	if err != nil {
		e := awsproto.From(err)
		awsproto.WriteQueryError(w, namespace, &awsproto.Error{Code: queryCode(e.Code), Message: e.Message, Status: e.Status})
	}
}

// writeJSONError adds the query protocol's code, by which SDKs find the error since before they
// spoke JSON: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
func writeJSONError(w http.ResponseWriter, err error) {
	e := awsproto.From(err)
	fault := "Sender"
	if e.Status >= 500 {
		fault = "Receiver"
	}
	w.Header().Set("x-amzn-query-error", queryCode(e.Code)+";"+fault)
	awsproto.WriteJSONError(w, e)
}

type action func(*Service, context.Context, input) (any, error)

func actions() map[string]action {
	return map[string]action{
		"ChangeMessageVisibility":      serveChangeVisibility,
		"ChangeMessageVisibilityBatch": serveChangeVisibilityBatch,
		"CreateQueue":                  serveCreateQueue,
		"DeleteMessage":                serveDeleteMessage,
		"DeleteMessageBatch":           serveDeleteBatch,
		"DeleteQueue":                  serveDeleteQueue,
		"GetQueueAttributes":           serveGetAttributes,
		"GetQueueUrl":                  serveGetURL,
		"ListDeadLetterSourceQueues":   serveDeadLetterSources,
		"ListQueueTags":                serveListTags,
		"ListQueues":                   serveListQueues,
		"PurgeQueue":                   servePurge,
		"ReceiveMessage":               serveReceive,
		"SendMessage":                  serveSend,
		"SendMessageBatch":             serveSendBatch,
		"SetQueueAttributes":           serveSetAttributes,
		"TagQueue":                     serveTag,
		"UntagQueue":                   serveUntag,
	}
}

// named is the action with a name.
func named(name string) (action, error) {
	known := actions()
	if do := known[name]; do != nil {
		return do, nil
	}
	return nil, unsupported("%q: on this machine SQS knows %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

func (s *Service) serveJSON(r *http.Request, name string) (any, error) {
	do, err := named(name)
	if err != nil {
		return nil, err
	}
	data, err := awsproto.ReadBody(r, maxRequest, "InvalidParameterValue")
	if err != nil {
		return nil, err
	}
	var in input
	if err := awsproto.DecodeJSON(data, &in, "UnsupportedOperation"); err != nil {
		return nil, err
	}
	out, err := do(s, r.Context(), in)
	if out == nil {
		out = struct{}{}
	}
	return out, err
}

func (s *Service) serveQuery(r *http.Request) (name string, out any, err error) {
	if err := awsproto.ParseForm(r, maxRequest); err != nil {
		return "", nil, err
	}
	name = r.Form.Get("Action")
	if name == "" {
		return "", nil, &awsproto.Error{Code: "MissingAction", Message: "The request has neither an Action nor a header X-Amz-Target that begins with AmazonSQS."}
	}
	do, err := named(name)
	if err != nil {
		return "", nil, err
	}
	in, err := fromForm(name, r.Form)
	if err != nil {
		return "", nil, err
	}
	if in.QueueURL == "" && strings.Count(r.URL.Path, "/") == 2 {
		in.QueueURL = r.URL.Path // the address that a request of this protocol is sent to
	}
	out, err = do(s, r.Context(), in)
	return name, out, err
}

// input is the union of all calls' members.
type input struct {
	messageInput
	QueueURL                string `json:"QueueUrl"`
	QueueName               string
	QueueOwnerAWSAccountID  string `json:"QueueOwnerAWSAccountId"`
	QueueNamePrefix         string
	Attributes              map[string]string
	AttributeNames          []string
	Tags                    map[string]string
	TagKeys                 []string
	Entries                 []messageInput
	MaxNumberOfMessages     *int
	WaitTimeSeconds         *int
	MaxResults              int
	NextToken               string
	MessageAttributeNames   []string
	ReceiveRequestAttemptID string `json:"ReceiveRequestAttemptId"`

	MessageSystemAttributeNames []string
}

// messageInput is what a call says of one message, or an entry of a batch.
type messageInput struct {
	ID                      string `json:"Id"`
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]attribute
	MessageSystemAttributes map[string]attribute
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
	MessageGroupID          string `json:"MessageGroupId"`
	ReceiptHandle           string
	VisibilityTimeout       *int
}

// attribute is a message's attribute as it is sent. AWS has the lists in its API and does not
// implement them.
type attribute struct {
	DataType         string
	StringValue      string
	BinaryValue      []byte
	StringListValues []string
	BinaryListValues [][]byte
}

func (in messageInput) sending() (Sending, error) {
	out := Sending{Body: in.MessageBody, Group: in.MessageGroupID, Dedup: in.MessageDeduplicationID, Delay: duration(in.DelaySeconds)}
	for name, a := range in.MessageAttributes {
		if len(a.StringListValues)+len(a.BinaryListValues) > 0 {
			return out, unsupported("The message attribute '%s' has a list, which SQS does not implement.", name)
		}
		if out.Attributes == nil {
			out.Attributes = map[string]Attribute{}
		}
		out.Attributes[name] = Attribute{a.DataType, a.StringValue, a.BinaryValue}
	}
	for name, a := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" || a.DataType != "String" {
			return out, invalid("The message system attribute '%s': there is AWSTraceHeader alone, a String.", name)
		}
		out.Trace = a.StringValue
	}
	return out, nil
}

// errorOf is an error as an entry of a batch has it.
func errorOf(id string, err error) failed {
	e := awsproto.From(err)
	return failed{ID: id, SenderFault: e.Status < 500, Code: queryCode(e.Code), Message: e.Message}
}
