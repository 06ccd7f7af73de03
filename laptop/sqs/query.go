package sqs

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// fields is a request of the query protocol, or a part of it: its parameters by what stands behind the
// part's name. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type fields map[string]string

// list are the members of a flattened list, in order.
func (f fields) list(name string) []fields {
	byNumber := map[int]fields{}
	for key, value := range f {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		number, member, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if err != nil { // a list of one may come without a number
			n, member = 0, rest
		}
		if byNumber[n] == nil {
			byNumber[n] = fields{}
		}
		byNumber[n][member] = value
	}
	var out []fields
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		out = append(out, byNumber[n])
	}
	return out
}

func (f fields) texts(name string) []string {
	var out []string
	if f[name] != "" {
		out = append(out, f[name])
	}
	for _, member := range f.list(name) {
		out = append(out, member[""])
	}
	return out
}

func (f fields) texted(name, key, value string) map[string]string {
	members := f.list(name)
	if len(members) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, member := range members {
		out[member[key]] = member[value]
	}
	return out
}

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
	for _, member := range f.list(name) {
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
	f := fields{}
	for key := range form {
		f[key] = form.Get(key)
	}
	if in.messageInput, err = f.message(); err != nil {
		return in, err
	}
	in.QueueURL, in.QueueName, in.QueueOwnerAWSAccountID, in.QueueNamePrefix = f["QueueUrl"], f["QueueName"], f["QueueOwnerAWSAccountId"], f["QueueNamePrefix"]
	in.NextToken, in.ReceiveRequestAttemptID = f["NextToken"], f["ReceiveRequestAttemptId"]
	in.Attributes, in.Tags = f.texted("Attribute", "Name", "Value"), f.texted("Tag", "Key", "Value")
	in.AttributeNames, in.TagKeys = f.texts("AttributeName"), f.texts("TagKey")
	in.MessageAttributeNames, in.MessageSystemAttributeNames = f.texts("MessageAttributeName"), f.texts("MessageSystemAttributeName")
	if in.MaxNumberOfMessages, err = f.number("MaxNumberOfMessages"); err != nil {
		return in, err
	}
	if in.WaitTimeSeconds, err = f.number("WaitTimeSeconds"); err != nil {
		return in, err
	}
	results, err := f.number("MaxResults")
	if err != nil {
		return in, err
	}
	if results != nil {
		in.MaxResults = *results
	}
	for _, member := range f.list(action + "RequestEntry") {
		one, err := member.message()
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
