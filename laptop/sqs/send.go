package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ephor-io/ephor/laptop/internal/access"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Sending is a message that is to be sent.
type Sending struct {
	Body       string
	Attributes map[string]Attribute
	// Delay is how long nobody receives it, whole seconds; nil means what the queue says.
	Delay *time.Duration
	// Trace is the system attribute AWSTraceHeader.
	Trace string
	// Group and Dedup are MessageGroupId and MessageDeduplicationId.
	Group, Dedup string
}

// Sent is what the sender of a message is told.
type Sent struct {
	ID, BodyMD5, AttributesMD5, SystemMD5 string
	Sequence                              string // a FIFO queue's
}

// Send puts a message into a queue. It is durable then. After an error of the disk it may have been
// sent all the same.
func (s *Service) Send(id string, in Sending) (Sent, error) {
	sent, errs, err := s.SendBatch(id, []Sending{in})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return Sent{}, err
	}
	return sent[0], nil
}

// SendFor is Send by an AWS service on behalf of something, named by its ARN, as far as the queue's policy lets it:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-customer-managed-policy-examples.html
func (s *Service) SendFor(principal, source, id string, in Sending) (Sent, error) {
	q, err := s.Queue(id)
	if err != nil {
		return Sent{}, err
	}
	call := access.Call{Principal: principal, Action: "sqs:SendMessage", Resource: q.ARN, SourceARN: source, Account: s.config.Account}
	if err := access.Check(q.Attributes["Policy"], call); err != nil {
		return Sent{}, err
	}
	return s.Send(id, in)
}

// SendBatch sends messages in their order, with an error for each.
func (s *Service) SendBatch(id string, in []Sending) ([]Sent, []error, error) {
	q, err := s.find(id)
	if err != nil {
		return nil, nil, err
	}
	sent, errs := make([]Sent, len(in)), make([]error, len(in))
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return nil, nil, closing()
	}
	t := now()
	var fresh []*message
	var entries []entry
	for i := range in {
		m, seen, err := q.accept(in[i], t)
		if err != nil {
			errs[i] = err
			continue
		}
		sent[i] = Sent{ID: m.ID, BodyMD5: bodyMD5(in[i].Body), AttributesMD5: attributesMD5(in[i].Attributes)}
		if in[i].Trace != "" {
			sent[i].SystemMD5 = attributesMD5(map[string]Attribute{"AWSTraceHeader": {DataType: "String", StringValue: in[i].Trace}})
		}
		if q.info.Attributes.fifo() {
			sent[i].Sequence = sequence(m.Sequence)
		}
		if m.Body == "" {
			continue // it has been sent before
		}
		fresh = append(fresh, m)
		entries = append(entries, entry{Put: m})
		if seen != nil {
			entries = append(entries, entry{Seen: seen})
		}
	}
	at, err := q.add(fresh, entries, t)
	q.mu.Unlock()
	if err == nil && len(entries) > 0 {
		err = q.journal.sync(at)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("keeping messages of queue %s: %w", q.name, err)
	}
	return sent, errs, nil
}

// add appends the entries and places the messages. q.mu is held.
func (q *queue) add(fresh []*message, entries []entry, t time.Time) (position, error) {
	if len(entries) == 0 {
		return position{}, nil
	}
	at, err := q.journal.append(entries...)
	if err != nil {
		for _, e := range entries {
			if e.Seen != nil {
				delete(q.tokens, e.Seen.key())
			}
		}
		return at, err
	}
	for _, m := range fresh {
		q.messages[m.ID] = m
		q.live += m.footprint()
		q.place(m, t)
	}
	q.tell()
	return at, nil
}

// accept makes a message of what is sent, and in a FIFO queue the token that finds its like. One
// that a FIFO queue had in the last minutes comes back without a body. q.mu is held.
func (q *queue) accept(in Sending, t time.Time) (*message, *token, error) {
	if err := in.check(q.info.Attributes); err != nil {
		return nil, nil, err
	}
	delay := q.info.Attributes.seconds("DelaySeconds")
	if in.Delay != nil {
		delay = *in.Delay
	}
	m := &message{ID: awsproto.NewID(), Body: in.Body, Attributes: in.Attributes, Trace: in.Trace, Sent: t, Group: in.Group, Dedup: in.Dedup, Visible: t.Add(delay)}
	if !q.info.Attributes.fifo() {
		q.last++
		m.Sequence = q.last
		return m, nil, nil
	}
	if m.Dedup == "" {
		sum := sha256.Sum256([]byte(in.Body))
		m.Dedup = hex.EncodeToString(sum[:])
	}
	seen := token{ID: m.Dedup, Message: m.ID, At: t}
	if q.info.Attributes.Values["DeduplicationScope"] == "messageGroup" {
		seen.Group = in.Group
	}
	if before, ok := q.tokens[seen.key()]; ok && !before.over(t) {
		return &message{ID: before.Message, Sequence: before.Sequence}, nil, nil
	}
	q.last++
	m.Sequence, seen.Sequence = q.last, q.last
	q.tokens[seen.key()] = seen
	return m, &seen, nil
}

// token is a deduplication ID that was used.
type token struct {
	Group    string `json:",omitempty"` // where IDs are a group's own
	ID       string
	Message  string // the ID of the one that came first
	Sequence uint64
	At       time.Time
}

func (k token) key() string { return k.Group + "\x00" + k.ID }

// over says that the five minutes of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
// have passed.
func (k token) over(t time.Time) bool { return t.Sub(k.At) >= 5*time.Minute }

const fifoID = `^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_` + "`" + `{|}~]{1,128}$`

var (
	validFIFO      = regexp.MustCompile(fifoID)
	validAttribute = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

// check reports why a queue with these attributes does not take a message.
func (in Sending) check(a settings) error {
	switch {
	case in.Body == "":
		return missing("MessageBody")
	case !plain(in.Body):
		return awsproto.Errorf("InvalidMessageContents", "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	case size(in.Body, in.Attributes) > a.number("MaximumMessageSize"):
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", a.number("MaximumMessageSize"))
	case in.Delay != nil && (*in.Delay < 0 || *in.Delay > 15*time.Minute):
		return invalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", int(in.Delay.Seconds()))
	case in.Group != "" && !validFIFO.MatchString(in.Group):
		return invalid("MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	case in.Dedup != "" && !validFIFO.MatchString(in.Dedup):
		return invalid("MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	if err := checkAttributes(in.Attributes); err != nil {
		return err
	}
	if !a.fifo() {
		if in.Dedup != "" {
			return invalid("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", in.Dedup)
		}
		return nil
	}
	switch {
	case in.Group == "":
		return missing("MessageGroupId")
	case in.Dedup == "" && a.Values["ContentBasedDeduplication"] != "true":
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case in.Delay != nil && *in.Delay != 0:
		return invalid("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", int(in.Delay.Seconds()))
	}
	return nil
}

func checkAttributes(attributes map[string]Attribute) error {
	if len(attributes) > 10 {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(attributes))
	}
	for name, a := range attributes {
		lower := strings.ToLower(name)
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case !validAttribute.MatchString(name) || len(name) > 256 || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
			return invalid("Invalid message attribute name: %q. It has letters, digits, hyphens, underscores and single dots, and begins with neither AWS. nor Amazon.", name)
		case kind != "String" && kind != "Number" && kind != "Binary":
			return invalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case kind == "Binary" && len(a.BinaryValue) == 0, kind != "Binary" && a.StringValue == "":
			return invalid("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
		case !plain(a.StringValue):
			return invalid("The message attribute '%s' has a character that no message may hold.", name)
		}
	}
	return nil
}

// plain says that text has only what XML may hold.
func plain(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}
