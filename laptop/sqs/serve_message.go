package sqs

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func duration(seconds *int) *time.Duration {
	if seconds == nil {
		return nil
	}
	return new(time.Duration(*seconds) * time.Second)
}

// done is what a call, or an entry of a batch, has done.
type done struct {
	ID               string `json:"Id,omitempty" xml:"Id,omitempty"`
	MD5OfMessageBody string `json:",omitempty" xml:",omitempty"`
	AttributesMD5    string `json:"MD5OfMessageAttributes,omitempty" xml:"MD5OfMessageAttributes,omitempty"`
	SystemMD5        string `json:"MD5OfMessageSystemAttributes,omitempty" xml:"MD5OfMessageSystemAttributes,omitempty"`
	MessageID        string `json:"MessageId,omitempty" xml:"MessageId,omitempty"`
	SequenceNumber   string `json:",omitempty" xml:",omitempty"`
}

func sentOutput(id string, sent Sent) done {
	return done{id, sent.BodyMD5, sent.AttributesMD5, sent.SystemMD5, sent.ID, sent.Sequence}
}

// failed is an entry of a batch that was not done.
type failed struct {
	ID          string `json:"Id" xml:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

// batch is the answer to a batch.
type batch struct {
	action     string
	Successful []done
	Failed     []failed `json:",omitempty"`
}

func serveSend(s *Service, _ context.Context, in input) (any, error) {
	message, err := in.sending()
	if err != nil {
		return nil, err
	}
	sent, err := s.Send(in.QueueURL, message)
	return sentOutput("", sent), err
}

func serveSendBatch(s *Service, _ context.Context, in input) (any, error) {
	if err := checkBatch("Send", in); err != nil {
		return nil, err
	}
	out := batch{action: "SendMessageBatch", Successful: []done{}}
	var all []Sending
	var ids []string
	total := 0
	for _, e := range in.Entries {
		message, err := e.sending()
		if err != nil {
			out.Failed = append(out.Failed, errorOf(e.ID, err))
			continue
		}
		total += size(message.Body, message.Attributes)
		all, ids = append(all, message), append(ids, e.ID)
	}
	if total > maxMessage {
		return nil, awsproto.Errorf("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, total)
	}
	sent, errs, err := s.SendBatch(in.QueueURL, all)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if errs[i] != nil {
			out.Failed = append(out.Failed, errorOf(id, errs[i]))
		} else {
			out.Successful = append(out.Successful, sentOutput(id, sent[i]))
		}
	}
	return out, nil
}

var validEntry = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func checkBatch(kind string, in input) error {
	if len(in.Entries) == 0 {
		return awsproto.Errorf("EmptyBatchRequest", "There should be at least one %sMessageBatchRequestEntry in the request.", kind)
	}
	if len(in.Entries) > 10 {
		return awsproto.Errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(in.Entries))
	}
	seen := map[string]bool{}
	for _, e := range in.Entries {
		if !validEntry.MatchString(e.ID) {
			return awsproto.Errorf("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[e.ID] {
			return awsproto.Errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", e.ID)
		}
		seen[e.ID] = true
	}
	return nil
}

// each does an action with every entry of a batch.
func (s *Service) each(action, kind string, in input, do func(messageInput) error) (any, error) {
	if err := checkBatch(kind, in); err != nil {
		return nil, err
	}
	if _, err := s.find(in.QueueURL); err != nil {
		return nil, err
	}
	out := batch{action: action, Successful: []done{}}
	for _, e := range in.Entries {
		if err := do(e); err != nil {
			out.Failed = append(out.Failed, errorOf(e.ID, err))
		} else {
			out.Successful = append(out.Successful, done{ID: e.ID})
		}
	}
	return out, nil
}

func serveDeleteMessage(s *Service, _ context.Context, in input) (any, error) {
	return nil, s.remove(in.QueueURL, in.messageInput)
}

func serveDeleteBatch(s *Service, _ context.Context, in input) (any, error) {
	return s.each("DeleteMessageBatch", "Delete", in, func(e messageInput) error { return s.remove(in.QueueURL, e) })
}

func (s *Service) remove(queue string, in messageInput) error {
	if in.ReceiptHandle == "" {
		return missing("ReceiptHandle")
	}
	return s.Delete(queue, in.ReceiptHandle)
}

func serveChangeVisibility(s *Service, _ context.Context, in input) (any, error) {
	return nil, s.hide(in.QueueURL, in.messageInput)
}

func serveChangeVisibilityBatch(s *Service, _ context.Context, in input) (any, error) {
	return s.each("ChangeMessageVisibilityBatch", "ChangeVisibility", in, func(e messageInput) error { return s.hide(in.QueueURL, e) })
}

func (s *Service) hide(queue string, in messageInput) error {
	if in.ReceiptHandle == "" {
		return missing("ReceiptHandle")
	}
	if in.VisibilityTimeout == nil {
		return missing("VisibilityTimeout")
	}
	return s.ChangeVisibility(queue, in.ReceiptHandle, *duration(in.VisibilityTimeout))
}

// received is a message on the wire.
type received struct {
	MessageID         string `json:"MessageId" xml:"MessageId"`
	ReceiptHandle     string
	MD5OfBody         string
	Body              string
	Attributes        pairs          `json:",omitempty" xml:"Attribute"`
	AttributesMD5     string         `json:"MD5OfMessageAttributes,omitempty" xml:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes attributePairs `json:",omitempty" xml:"MessageAttribute"`
}

func serveReceive(s *Service, ctx context.Context, in input) (any, error) {
	if in.ReceiveRequestAttemptID != "" {
		return nil, unsupported("ReceiveRequestAttemptId is not supported on this machine")
	}
	how := Receiving{Max: 1, Visibility: duration(in.VisibilityTimeout), Wait: duration(in.WaitTimeSeconds)}
	if n := in.MaxNumberOfMessages; n != nil {
		how.Max = *n
		if *n == 0 {
			how.Max = -1 // which is refused
		}
	}
	messages, err := s.Receive(ctx, in.QueueURL, how)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	var out struct {
		Messages []received `json:",omitempty" xml:"Message"`
	}
	for _, m := range messages {
		attributes := maps.Clone(m.Attributes)
		maps.DeleteFunc(attributes, func(name string, _ Attribute) bool { return !wanted(name, in.MessageAttributeNames) })
		out.Messages = append(out.Messages, received{MessageID: m.ID, ReceiptHandle: m.ReceiptHandle, MD5OfBody: m.BodyMD5, Body: m.Body,
			Attributes: chosen(m.System, names), AttributesMD5: attributesMD5(attributes), MessageAttributes: attributes})
	}
	return out, nil
}

// wanted says that a message's attribute is among those that were asked for: All, .*, PREFIX.* or its name.
func wanted(name string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		prefix, many := strings.CutSuffix(n, ".*")
		return n == "All" || n == name || many && strings.HasPrefix(name, prefix)
	})
}
