package sqs

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// fields is a request of the query protocol, or a part of it.
type fields awsproto.Form

func (f fields) number(name string) (*int, error) {
	text, ok := f[name]
	if !ok {
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, invalid("Value %s for parameter %s is invalid. Reason: it is no number.", text, name)
	}
	return &n, nil
}

func (f fields) attributes(name string) (map[string]attribute, error) {
	var out map[string]attribute
	for _, member := range awsproto.Form(f).List(name) {
		value := attribute{DataType: member["Value.DataType"], StringValue: member["Value.StringValue"]}
		var err error
		if value.BinaryValue, err = base64.StdEncoding.DecodeString(member["Value.BinaryValue"]); err != nil {
			return nil, invalid("The message attribute '%s' has a BinaryValue that is not base64.", member["Name"])
		}
		if out == nil {
			out = map[string]attribute{}
		}
		out[member["Name"]] = value
	}
	return out, nil
}

func (f fields) message() (in messageInput, err error) {
	in = messageInput{ID: f["Id"], MessageBody: f["MessageBody"], MessageDeduplicationID: f["MessageDeduplicationId"],
		MessageGroupID: f["MessageGroupId"], ReceiptHandle: f["ReceiptHandle"]}
	if in.DelaySeconds, err = f.number("DelaySeconds"); err != nil {
		return in, err
	}
	if in.VisibilityTimeout, err = f.number("VisibilityTimeout"); err != nil {
		return in, err
	}
	if in.MessageAttributes, err = f.attributes("MessageAttribute"); err != nil {
		return in, err
	}
	in.MessageSystemAttributes, err = f.attributes("MessageSystemAttribute")
	return in, err
}

// fromForm is a request of the query protocol as one of the JSON protocol.
func fromForm(action string, form url.Values) (in input, err error) {
	f := awsproto.NewForm(form)
	if in.messageInput, err = fields(f).message(); err != nil {
		return in, err
	}
	in.QueueURL, in.QueueName, in.QueueOwnerAWSAccountID, in.QueueNamePrefix = f["QueueUrl"], f["QueueName"], f["QueueOwnerAWSAccountId"], f["QueueNamePrefix"]
	in.NextToken, in.ReceiveRequestAttemptID = f["NextToken"], f["ReceiveRequestAttemptId"]
	in.Attributes, in.Tags = f.Map("Attribute", "Name", "Value"), f.Map("Tag", "Key", "Value")
	in.AttributeNames, in.TagKeys = f.Texts("AttributeName"), f.Texts("TagKey")
	in.MessageAttributeNames, in.MessageSystemAttributeNames = f.Texts("MessageAttributeName"), f.Texts("MessageSystemAttributeName")
	if in.MaxNumberOfMessages, err = fields(f).number("MaxNumberOfMessages"); err != nil {
		return in, err
	}
	if in.WaitTimeSeconds, err = fields(f).number("WaitTimeSeconds"); err != nil {
		return in, err
	}
	results, err := fields(f).number("MaxResults")
	if err != nil {
		return in, err
	}
	if results != nil {
		in.MaxResults = *results
	}
	for _, member := range f.List(action + "RequestEntry") {
		one, err := fields(member).message()
		if err != nil {
			return in, err
		}
		in.Entries = append(in.Entries, one)
	}
	return in, nil
}

// pairs are a map that the query protocol writes as elements with Name and Value.
type pairs map[string]string

func (p pairs) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return writePairs(e, start, "Name", p)
}

// tagPairs are written with Key and Value.
type tagPairs map[string]string

func (p tagPairs) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return writePairs(e, start, "Key", p)
}

func writePairs(e *xml.Encoder, start xml.StartElement, key string, values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		one := struct {
			Name  element
			Value string
		}{element{key, name}, values[name]}
		if err := e.EncodeElement(one, start); err != nil {
			return err
		}
	}
	return nil
}

// element is text under a name that is known at run time.
type element struct{ name, text string }

func (l element) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(l.text, xml.StartElement{Name: xml.Name{Local: l.name}})
}

type attributePairs map[string]Attribute

func (p attributePairs) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type value struct {
		StringValue string `xml:",omitempty"`
		BinaryValue string `xml:",omitempty"`
		DataType    string
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		a := p[name]
		out := struct {
			Name  string
			Value value
		}{name, value{a.StringValue, base64.StdEncoding.EncodeToString(a.BinaryValue), a.DataType}}
		if err := e.EncodeElement(out, start); err != nil {
			return err
		}
	}
	return nil
}

// MarshalXML names the entries as their action does.
func (b batch) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, one := range b.Successful {
		if err := e.EncodeElement(one, xml.StartElement{Name: xml.Name{Local: b.action + "ResultEntry"}}); err != nil {
			return err
		}
	}
	for _, one := range b.Failed {
		if err := e.EncodeElement(one, xml.StartElement{Name: xml.Name{Local: "BatchResultErrorEntry"}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}
