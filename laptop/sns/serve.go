package sns

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	namespace = "http://sns.amazonaws.com/doc/2010-03-31/"
	// maxRequest is above the largest batch, whose bytes may need three each in a form.
	maxRequest = 4 << 20
)

// ServeHTTP answers the query protocol: https://docs.aws.amazon.com/sns/latest/api/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, out, err := s.serve(r)
	if err == nil {
		err = awsproto.WriteQuery(w, namespace, action, out)
	}
	if err != nil {
		awsproto.WriteQueryError(w, namespace, err)
	}
}

type action func(*Service, awsproto.Form) (any, error)

func actions() map[string]action {
	return map[string]action{
		"CreateTopic":               serveCreateTopic,
		"DeleteTopic":               serveDeleteTopic,
		"GetSubscriptionAttributes": serveGetSubscription,
		"GetTopicAttributes":        serveGetTopic,
		"ListSubscriptions":         serveListSubscriptions,
		"ListSubscriptionsByTopic":  serveListByTopic,
		"ListTagsForResource":       serveListTags,
		"ListTopics":                serveListTopics,
		"Publish":                   servePublish,
		"PublishBatch":              servePublishBatch,
		"SetSubscriptionAttributes": serveSetSubscription,
		"SetTopicAttributes":        serveSetTopic,
		"Subscribe":                 serveSubscribe,
		"TagResource":               serveTag,
		"Unsubscribe":               serveUnsubscribe,
		"UntagResource":             serveUntag,
	}
}

func (s *Service) serve(r *http.Request) (name string, out any, err error) {
	if err := awsproto.ParseForm(r, maxRequest); err != nil {
		return "", nil, err
	}
	f := awsproto.NewForm(r.Form)
	name = f["Action"]
	known := actions()
	do := known[name]
	if do == nil {
		return "", nil, awsproto.Errorf("InvalidAction", "The action %q is not valid for this endpoint: on this machine SNS knows %s", name,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	out, err = do(s, f)
	return name, out, err
}

// entries are a map as the query protocol writes it.
type entries map[string]string

func (m entries) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type entry struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	var out struct {
		Entries []entry `xml:"entry"`
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out.Entries = append(out.Entries, entry{key, m[key]})
	}
	return e.EncodeElement(out, start)
}

// page cuts what comes behind the token, which is the last ARN of the page before, a hundred at most. all is
// in order.
func page[V any](all []V, arn func(V) string, token string) (some []V, next string) {
	const most = 100
	first := slices.IndexFunc(all, func(v V) bool { return arn(v) > token })
	if first < 0 {
		return nil, ""
	}
	if all = all[first:]; len(all) <= most {
		return all, ""
	}
	return all[:most], arn(all[most-1])
}

// messageOf reads what Publish says, or an entry of PublishBatch.
func messageOf(f awsproto.Form) (Message, error) {
	m := Message{Body: f["Message"], Subject: f["Subject"], PerProtocol: f["MessageStructure"] == "json"}
	if structure := f["MessageStructure"]; structure != "" && structure != "json" {
		return m, invalid("MessageStructure %q: json", structure)
	}
	for _, name := range []string{"MessageDeduplicationId", "MessageGroupId"} {
		if f[name] != "" {
			return m, unsupported(name, "topics are standard ones, and fair queues are not here")
		}
	}
	for _, one := range f.List("MessageAttributes.entry") {
		value, err := base64.StdEncoding.DecodeString(one["Value.BinaryValue"])
		if err != nil {
			return m, invalid("MessageAttributes: the BinaryValue of %s is not base64", one["Name"])
		}
		if m.Attributes == nil {
			m.Attributes = map[string]Attribute{}
		}
		m.Attributes[one["Name"]] = Attribute{one["Value.DataType"], one["Value.StringValue"], value}
	}
	return m, nil
}

func servePublish(s *Service, f awsproto.Form) (any, error) {
	if f["PhoneNumber"] != "" {
		return nil, unsupported("PhoneNumber", "messages go to topics")
	}
	topic := f["TopicArn"]
	if topic == "" {
		topic = f["TargetArn"]
	}
	m, err := messageOf(f)
	if err != nil {
		return nil, err
	}
	id, err := s.Publish(topic, m)
	return struct {
		MessageID string `xml:"MessageId"`
	}{id}, err
}

func servePublishBatch(s *Service, f awsproto.Form) (any, error) {
	type success struct {
		ID        string `xml:"Id"`
		MessageID string `xml:"MessageId"`
	}
	type failure struct {
		ID            string `xml:"Id"`
		Code, Message string
		SenderFault   bool
	}
	var out struct {
		Successful []success `xml:"Successful>member"`
		Failed     []failure `xml:"Failed>member"`
	}
	list := f.List("PublishBatchRequestEntries.member")
	messages, seen, size := make([]Message, len(list)), map[string]bool{}, 0
	var errs = make([]error, len(list))
	switch {
	case len(list) == 0:
		return nil, awsproto.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(list) > 10:
		return nil, awsproto.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible: %d; 10 are.", len(list))
	}
	for i, one := range list {
		id := one["Id"]
		if !validBatchID.MatchString(id) {
			return nil, awsproto.Errorf("InvalidBatchEntryId", "The Id %q of a batch entry in a batch request doesn't abide by the specification.", id)
		}
		if seen[id] {
			return nil, awsproto.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id %s.", id)
		}
		seen[id] = true
		messages[i], errs[i] = messageOf(one)
		size += messages[i].size()
	}
	if size > maxMessage {
		return nil, awsproto.Errorf("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit of %d bytes.", maxMessage)
	}
	if _, err := s.Topic(f["TopicArn"]); err != nil {
		return nil, err
	}
	for i, one := range list {
		var id string
		err := errs[i]
		if err == nil {
			id, err = s.Publish(f["TopicArn"], messages[i])
		}
		if err != nil {
			e := awsproto.From(err)
			out.Failed = append(out.Failed, failure{one["Id"], e.Code, e.Message, e.Status < 500})
			continue
		}
		out.Successful = append(out.Successful, success{one["Id"], id})
	}
	return out, nil
}
