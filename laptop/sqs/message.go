package sqs

import (
	"container/heap"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Attribute is one that a message has from its sender.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
type Attribute struct {
	DataType    string // String, Number or Binary, with a label of the sender's behind a dot if there is one
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// Message is a message as it is received.
type Message struct {
	ID, ReceiptHandle, Body string
	BodyMD5, AttributesMD5  string // hexadecimal; the latter is empty without attributes
	Attributes              map[string]Attribute
	// System are all system attributes, by their names in the API: ApproximateReceiveCount, SentTimestamp, ….
	System map[string]string
}

// message is a message in a queue. What is exported is kept.
type message struct {
	ID, Body string
	// Attributes are never changed, and so are shared.
	Attributes map[string]Attribute `json:",omitempty"`
	Trace      string               `json:",omitempty"` // AWSTraceHeader
	Sent       time.Time
	Sequence   uint64
	Group      string    `json:",omitempty"`
	Dedup      string    `json:",omitempty"`
	Source     string    `json:",omitempty"` // the ARN of the queue that it is a dead letter of
	Visible    time.Time // not to be received before
	Receives   int       `json:",omitempty"`
	First      time.Time `json:",omitzero"` // when it was first received
	Taken      time.Time `json:",omitzero"` // when it was last received

	line  *line // where it waits
	index int
}

// receipt is what a receipt, or a change of the visibility, changes of a message.
type receipt struct {
	ID           string
	Receives     int
	First, Taken time.Time
	Visible      time.Time
}

func (m *message) receipt() *receipt { return &receipt{m.ID, m.Receives, m.First, m.Taken, m.Visible} }

func (m *message) apply(r *receipt) {
	m.Receives, m.First, m.Taken, m.Visible = r.Receives, r.First, r.Taken, r.Visible
}

// handle is a receipt handle: which message of which queue, and which time it was received.
func (m *message) handle(queue string) string {
	return base64.StdEncoding.EncodeToString([]byte(queue + " " + m.ID + " " + strconv.Itoa(m.Receives)))
}

// parseHandle is the inverse of handle.
func parseHandle(queue, handle string) (id string, receives int, err error) {
	data, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(data), " ")
	if err != nil || len(parts) != 3 || parts[0] != queue {
		return "", 0, badReceipt()
	}
	if receives, err = strconv.Atoi(parts[2]); err != nil {
		return "", 0, badReceipt()
	}
	return parts[1], receives, nil
}

// out is the message as it is received from a queue.
func (m *message) out(queue, sender string) Message {
	system := map[string]string{
		"SenderId":                         sender,
		"SentTimestamp":                    millis(m.Sent),
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"ApproximateFirstReceiveTimestamp": millis(m.First),
	}
	for name, value := range map[string]string{"MessageGroupId": m.Group, "MessageDeduplicationId": m.Dedup,
		"AWSTraceHeader": m.Trace, "DeadLetterQueueSourceArn": m.Source} {
		if value != "" {
			system[name] = value
		}
	}
	if strings.HasSuffix(queue, ".fifo") {
		system["SequenceNumber"] = sequence(m.Sequence)
	}
	return Message{ID: m.ID, ReceiptHandle: m.handle(queue), Body: m.Body, BodyMD5: bodyMD5(m.Body),
		Attributes: m.Attributes, AttributesMD5: attributesMD5(m.Attributes), System: system}
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// sequence is a sequence number as it is told: 20 digits.
func sequence(n uint64) string { return fmt.Sprintf("%020d", n) }

// size is what counts against the limit: the body, and each attribute's name, type and value.
func size(body string, attributes map[string]Attribute) int {
	n := len(body)
	for name, a := range attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// footprint is about what a message takes in the journal.
func (m *message) footprint() int64 { return int64(size(m.Body, m.Attributes)) + 400 }

func bodyMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// attributesMD5 is the digest that SDKs compare with their own, or "" of none:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	h := md5.New()
	part := func(value string) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(value)))
		h.Write(length[:])
		io.WriteString(h, value)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		part(name)
		part(a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{2})
			part(string(a.BinaryValue))
		} else {
			h.Write([]byte{1})
			part(a.StringValue)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// line is where messages wait, first the one that is before all others.
type line struct {
	messages []*message
	before   func(a, b *message) bool
}

func bySequence(a, b *message) bool   { return a.Sequence < b.Sequence }
func byVisibility(a, b *message) bool { return a.Visible.Before(b.Visible) }

func (l *line) Len() int           { return len(l.messages) }
func (l *line) Less(i, j int) bool { return l.before(l.messages[i], l.messages[j]) }
func (l *line) Swap(i, j int) {
	l.messages[i], l.messages[j] = l.messages[j], l.messages[i]
	l.messages[i].index, l.messages[j].index = i, j
}

// Push is for package heap.
func (l *line) Push(x any) {
	m := x.(*message)
	m.line, m.index = l, len(l.messages)
	l.messages = append(l.messages, m)
}

// Pop is for package heap.
func (l *line) Pop() any {
	last := len(l.messages) - 1
	m := l.messages[last]
	l.messages[last] = nil
	l.messages = l.messages[:last]
	m.line = nil
	return m
}

func (l *line) add(m *message)  { heap.Push(l, m) }
func (l *line) first() *message { return heap.Pop(l).(*message) }
func (l *line) peek() *message  { return l.messages[0] }
func (m *message) leave()       { heap.Remove(m.line, m.index) }
