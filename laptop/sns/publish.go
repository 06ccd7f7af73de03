package sns

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ephor-io/ephor/laptop/internal/access"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pattern"
)

// maxMessage is how many bytes a message has at most, its attributes included, and so has a batch:
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxMessage = 256 << 10

// Message is what is published.
type Message struct {
	Body string
	// Subject stands beside it; "" is none.
	Subject string
	// PerProtocol says that Body is a JSON object with a text for each protocol, and one that is called default.
	PerProtocol bool
	Attributes  map[string]Attribute
}

// Attribute is a message's attribute. DataType is String, String.Array, Number or Binary:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
type Attribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

var (
	validAttribute = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	validNumber    = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	validSubject   = regexp.MustCompile(`^[!-~][ -~]{0,98}[!-~]?$`)
)

func (m Message) size() int {
	n := len(m.Body) + len(m.Subject)
	for name, a := range m.Attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

func (m Message) check() error {
	switch {
	case m.Body == "":
		return invalid("Empty message")
	case !utf8.ValidString(m.Body):
		return invalid("Message: it is no UTF-8")
	case m.size() > maxMessage:
		return invalid("Message too long")
	case m.Subject != "" && !validSubject.MatchString(m.Subject):
		return invalid("Subject")
	}
	for name, a := range m.Attributes {
		lower := strings.ToLower(name)
		bad := func(why string) error {
			return awsproto.Errorf("ParameterValueInvalid", "The message attribute '%s' %s", name, why)
		}
		switch {
		case !validAttribute.MatchString(name) || len(name) > 256 || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
			return bad("has a name that is not allowed: letters, digits, hyphens, underscores and single dots, and neither AWS. nor Amazon. at its beginning.")
		case a.DataType == "Binary" && len(a.BinaryValue) == 0, a.DataType != "Binary" && a.StringValue == "":
			return bad("must contain non-empty message attribute value for message attribute type '" + a.DataType + "'.")
		}
		switch kind, _, _ := strings.Cut(a.DataType, "."); kind {
		case "String":
			if list, err := pattern.Decode([]byte(a.StringValue)); a.DataType == "String.Array" {
				if _, is := list.([]any); err != nil || !is {
					return bad("is a String.Array, and its value no JSON list.")
				}
			}
		case "Number":
			if !validNumber.MatchString(a.StringValue) {
				return bad("with type 'Number' must use a valid numeric value.")
			}
		case "Binary":
		default:
			return bad("has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.")
		}
	}
	if m.PerProtocol {
		var texts map[string]any
		if err := json.Unmarshal([]byte(m.Body), &texts); err != nil {
			return invalid("Message Structure - JSON message body failed to parse")
		}
		if _, is := texts["default"].(string); !is {
			return invalid("Message Structure - No default entry in JSON message body")
		}
	}
	return nil
}

// text is what a protocol gets.
func (m Message) text(protocol string) string {
	if !m.PerProtocol {
		return m.Body
	}
	var texts map[string]any
	if json.Unmarshal([]byte(m.Body), &texts) != nil {
		return m.Body // it has been checked
	}
	if text, is := texts[protocol].(string); is {
		return text
	}
	text, _ := texts["default"].(string)
	return text
}

// Publish tells all subscriptions of a topic whose filters let it through. It returns when every delivery has
// been made or is kept until it can be.
func (s *Service) Publish(topic string, m Message) (id string, err error) {
	if err := m.check(); err != nil {
		return "", err
	}
	s.mu.RLock()
	_, err = s.topic(topic)
	to := s.of(topic)
	s.mu.RUnlock()
	if err != nil {
		return "", err
	}
	n := notification{id: awsproto.NewID(), topic: topic, message: m, at: time.Now().UTC(), endpoint: s.config.Endpoint()}
	for _, one := range to {
		if !one.filter.fits(m) {
			continue
		}
		if err := s.box.Send(n.to(one)); err != nil {
			return "", err
		}
	}
	return n.id, nil
}

// PublishFor is Publish by an AWS service on behalf of something, as far as the topic's policy lets it.
func (s *Service) PublishFor(principal, source, topic string, m Message) (id string, err error) {
	t, err := s.Topic(topic)
	if err != nil {
		return "", err
	}
	if err := access.Check(t.Attributes["Policy"], access.Call{Principal: principal, Action: "sns:Publish", Resource: topic, SourceARN: source, Account: s.config.Account}); err != nil {
		return "", err
	}
	return s.Publish(topic, m)
}
