package sns

import (
	"encoding/base64"
	"net/url"
	"time"
)

// notification is a message on its way.
type notification struct {
	id, topic, endpoint string
	message             Message
	at                  time.Time
}

type attributeJSON struct{ Type, Value string }

// fields are what all forms of a notification have:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
type fields struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicARN         string `json:"TopicArn"`
	Message          string
	Timestamp        string
	SignatureVersion string
	Signature        string
}

func (n notification) fields(protocol string) fields {
	return fields{Type: "Notification", MessageID: n.id, TopicARN: n.topic, Message: n.message.text(protocol),
		Timestamp: n.at.Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "1"}
}

func (n notification) unsubscribe(arn string) string {
	return n.endpoint + "/?" + url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {arn}}.Encode()
}

func (n notification) attributes() map[string]attributeJSON {
	out := map[string]attributeJSON{}
	if n.message.PerProtocol {
		return out // which has none
	}
	for name, a := range n.message.Attributes {
		value := a.StringValue
		if a.DataType == "Binary" {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		out[name] = attributeJSON{a.DataType, value}
	}
	return out
}

// document is the notification as a queue gets it that does not take it raw, and every dead letter queue.
func (n notification) document(arn, protocol string) string {
	type document struct {
		fields
		Subject           string                   `json:",omitempty"`
		SigningCertURL    string                   `json:"SigningCertURL"`
		UnsubscribeURL    string                   `json:"UnsubscribeURL"`
		MessageAttributes map[string]attributeJSON `json:",omitempty"`
	}
	return asJSON(document{fields: n.fields(protocol), Subject: n.message.Subject, UnsubscribeURL: n.unsubscribe(arn), MessageAttributes: n.attributes()})
}

// event is the notification as a function gets it: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func (n notification) event(arn string) string {
	type entity struct {
		fields
		Subject           *string
		SigningCertURL    string `json:"SigningCertUrl"`
		UnsubscribeURL    string `json:"UnsubscribeUrl"`
		MessageAttributes map[string]attributeJSON
	}
	type record struct {
		EventSource, EventVersion string
		EventSubscriptionARN      string `json:"EventSubscriptionArn"`
		SNS                       entity `json:"Sns"`
	}
	e := entity{fields: n.fields("lambda"), UnsubscribeURL: n.unsubscribe(arn), MessageAttributes: n.attributes()}
	if n.message.Subject != "" {
		e.Subject = &n.message.Subject
	}
	return asJSON(map[string]any{"Records": []record{{"aws:sns", "1.0", arn, e}}})
}

// to is the notification for a subscription.
func (n notification) to(one subscription) delivery {
	d := delivery{Subscription: one.ARN, Topic: n.topic, Protocol: one.Protocol, Endpoint: one.Endpoint, DeadLetters: one.dead}
	switch {
	case one.Protocol == "lambda":
		d.Body = n.event(one.ARN)
	case one.raw:
		d.Body = n.message.text("sqs")
		if !n.message.PerProtocol {
			d.Attributes = n.message.Attributes
		}
	default:
		d.Body = n.document(one.ARN, "sqs")
	}
	if one.dead == "" {
		return d
	}
	d.Letter = d.Body
	if one.Protocol == "lambda" {
		d.Letter = n.document(one.ARN, "lambda")
	}
	return d
}
