package eventbridge

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/pattern"
)

// Target is what a rule calls: a function, a queue or a topic, by its ARN.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
type Target struct {
	ID, ARN string
	// Input, InputPath and Template are, at most one of them, what it gets in the event's place: this very text, a
	// part of the event, or a text with parts of the event in it.
	Input, InputPath string    `json:",omitempty"`
	Template         *Template `json:",omitempty"`
	// Group is the message group of a FIFO queue.
	Group string `json:",omitempty"`
	// DeadLetters is the ARN of the queue for what cannot be delivered.
	DeadLetters string `json:",omitempty"`
	// Retries are 185 at most, within MaxAge seconds; nil means as many and a day.
	Retries, MaxAge *int `json:",omitempty"`
}

// Template is an input transformer: in Text stand names between < and >, for parts of the event or what
// EventBridge knows itself.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type Template struct {
	Paths map[string]string
	Text  string
}

var (
	functionARN = regexp.MustCompile(`^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)
	queueARN    = regexp.MustCompile(`^arn:aws:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$`)
	topicARN    = regexp.MustCompile(`^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$`)
	validPath   = regexp.MustCompile(`^\$(\.[A-Za-z0-9_-]+|\[[0-9]+\])*$`)
	validName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	placeholder = regexp.MustCompile(`<([A-Za-z0-9_.-]+)>`)
)

func (t Target) check() error {
	given := 0
	for _, is := range []bool{t.Input != "", t.InputPath != "", t.Template != nil} {
		if is {
			given++
		}
	}
	switch {
	case !validRule.MatchString(t.ID):
		return invalid("the target ID %q: 1 to 64 letters, digits, dots, hyphens and underscores", t.ID)
	case !functionARN.MatchString(t.ARN) && !queueARN.MatchString(t.ARN) && !topicARN.MatchString(t.ARN):
		return invalid("target %s: %s: on this machine targets are functions, queues and standard topics", t.ID, t.ARN)
	case given > 1:
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return invalid("JSON syntax error in input for target %s", t.ID)
	case t.InputPath != "" && !validPath.MatchString(t.InputPath):
		return invalid("InputPath %s of target %s: on this machine it is $ with names and numbers behind it, as in $.detail.items[0]", t.InputPath, t.ID)
	case strings.HasSuffix(t.ARN, ".fifo") && t.Group == "":
		return invalid("Parameter(s) MessageGroupId must be specified for target: %s.", t.ID)
	case t.DeadLetters != "" && (!queueARN.MatchString(t.DeadLetters) || strings.HasSuffix(t.DeadLetters, ".fifo")):
		return invalid("DeadLetterConfig of target %s: %s is no standard queue's ARN", t.ID, t.DeadLetters)
	case t.Retries != nil && (*t.Retries < 0 || *t.Retries > 185):
		return invalid("MaximumRetryAttempts of target %s is %d; it may be 0 to 185", t.ID, *t.Retries)
	case t.MaxAge != nil && (*t.MaxAge < 60 || *t.MaxAge > 86400):
		return invalid("MaximumEventAgeInSeconds of target %s is %d; it may be 60 to 86400", t.ID, *t.MaxAge)
	}
	if t.Template != nil {
		return t.Template.check(t.ID)
	}
	return nil
}

func (t Template) check(id string) error {
	if t.Text == "" || len(t.Text) > 8192 {
		return invalid("InputTemplate of target %s has %d characters; it may have 1 to 8192", id, len(t.Text))
	}
	for name, path := range t.Paths {
		if !validName.MatchString(name) || strings.HasPrefix(strings.ToUpper(name), "AWS") {
			return invalid("InputPathsMap of target %s: a name %q: letters, digits, hyphens and underscores, and not AWS at its beginning", id, name)
		}
		if !validPath.MatchString(path) {
			return invalid("InputPathsMap of target %s: %s: on this machine a path is $ with names and numbers behind it, as in $.detail.items[0]", id, path)
		}
	}
	for _, m := range placeholder.FindAllStringSubmatch(t.Text, -1) {
		if _, known := t.Paths[m[1]]; !known && !strings.HasPrefix(m[1], "aws.events.") {
			return invalid("InputTemplate of target %s: Invalid InputTemplate: <%s> is not in InputPathsMap", id, m[1])
		}
	}
	return nil
}

// input is what the target gets of an event, given as JSON.
func (t Target) input(rule Rule, arn, event string) (string, error) {
	if t.Input != "" {
		return t.Input, nil
	}
	if t.InputPath == "" && t.Template == nil {
		return event, nil
	}
	value, err := pattern.Decode([]byte(event))
	if err != nil {
		return "", err
	}
	if t.Template == nil {
		part, _ := at(t.InputPath, value)
		return text(part), nil
	}
	values := map[string]any{"aws.events.rule-arn": arn, "aws.events.rule-name": rule.Name, "aws.events.event.json": value}
	if m, ok := value.(map[string]any); ok {
		values["aws.events.event.ingestion-time"] = m["time"]
		short := map[string]any{}
		for name, v := range m {
			if name != "detail" {
				short[name] = v
			}
		}
		values["aws.events.event"] = short
	}
	for name, path := range t.Template.Paths {
		if part, there := at(path, value); there {
			values[name] = part
		}
	}
	return t.Template.fill(values), nil
}

// fill puts values in place of their names. Within quotes text stands as it is, and everything else as
// JSON; outside of them everything is JSON, and what is not there is null.
func (t Template) fill(values map[string]any) string {
	var out strings.Builder
	quoted, rest := false, t.Text
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		end := len(rest)
		if at != nil {
			end = at[0]
		}
		for i := 0; i < end; i++ {
			switch {
			case rest[i] == '\\' && quoted && i+1 < end:
				i++
			case rest[i] == '"':
				quoted = !quoted
			}
		}
		out.WriteString(rest[:end])
		if at == nil {
			return out.String()
		}
		v, there := values[rest[at[2]:at[3]]]
		switch {
		case !quoted:
			out.WriteString(text(v))
		case there:
			plain, is := v.(string)
			if !is {
				plain = text(v)
			}
			escaped := text(plain)
			out.WriteString(escaped[1 : len(escaped)-1])
		}
		rest = rest[at[1]:]
	}
}

// at finds a path's value.
func at(path string, v any) (any, bool) {
	for _, step := range regexp.MustCompile(`\.([A-Za-z0-9_-]+)|\[([0-9]+)\]`).FindAllStringSubmatch(path, -1) {
		switch below := v.(type) {
		case map[string]any:
			next, there := below[step[1]]
			if !there || step[1] == "" {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step[2])
			if err != nil || i >= len(below) {
				return nil, false
			}
			v = below[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// text is a value as JSON, with <, > and & as they are.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it was decoded from JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}
