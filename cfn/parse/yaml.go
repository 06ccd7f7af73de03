package parse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads YAML 1.1 as far as CloudFormation takes it.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
func readYAML(text []byte) (*node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{Message: "Template format error: At least one Resources member must be defined."}
	case err != nil:
		return nil, notWellFormed(err)
	}
	var second yaml.Node
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, notWellFormed(err)
		}
		return nil, &Error{Position: place(&second), Message: "Template format error: YAML not well-formed. There is more than one document."}
	}
	if len(doc.Content) == 0 {
		return nil, &Error{Message: "Template format error: unsupported structure."}
	}
	return fromYAML(doc.Content[0], 0)
}

func notWellFormed(err error) *Error {
	detail := strings.TrimPrefix(err.Error(), "yaml: ")
	return &Error{Message: "Template format error: YAML not well-formed. (" + detail + ")"}
}

func place(y *yaml.Node) Position { return Position{Line: y.Line, Column: y.Column} }

func fromYAML(y *yaml.Node, depth int) (*node, error) {
	n := &node{pos: place(y)}
	bad := func(format string, args ...any) error {
		return &Error{Position: n.pos, Message: fmt.Sprintf(format, args...)}
	}
	if depth > maxDepth {
		return nil, bad("Template format error: nested too deeply.")
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.object = make(map[string]*node, len(y.Content)/2)
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return nil, &Error{Position: place(key), Message: "Template format error: keys must be plain scalars; merges and compound keys are not supported."}
			}
			if n.object[key.Value] != nil {
				return nil, &Error{Position: place(key), Message: fmt.Sprintf("Template format error: duplicate key %q.", key.Value)}
			}
			child, err := fromYAML(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			child.pos = place(key)
			n.object[key.Value] = child
		}
	case yaml.SequenceNode:
		n.isList = true
		for _, c := range y.Content {
			child, err := fromYAML(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, child)
		}
	case yaml.ScalarNode:
		n.scalar = scalar(y)
	default:
		return nil, bad("Template error: YAML aliases are not allowed in CloudFormation templates")
	}
	return shortForm(n, y.Tag)
}

// shortForm turns !Join [...] into {Fn::Join: [...]}.
func shortForm(n *node, tag string) (*node, error) {
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") || tag == "!" {
		return n, nil
	}
	name := tag[1:]
	switch name {
	case "Ref", "Condition":
	case "GetAtt":
		name = "Fn::GetAtt"
		if s, ok := n.scalar.(string); ok && n.object == nil && !n.isList {
			id, attribute, _ := strings.Cut(s, ".")
			n = &node{pos: n.pos, isList: true, list: []*node{{pos: n.pos, scalar: id}, {pos: n.pos, scalar: attribute}}}
		}
	case "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "If", "ImportValue", "Join", "Not", "Or", "Select", "Split", "Sub", "Transform":
		name = "Fn::" + name
	case "Length", "ToJsonString":
		return nil, &Error{Position: n.pos, Message: fmt.Sprintf("Template format error: Fn::%s has no short form: write Fn::%s.", name, name)}
	default:
		return nil, &Error{Position: n.pos, Message: fmt.Sprintf("Template format error: YAML not well-formed. The tag %q is not known.", tag)}
	}
	return &node{pos: n.pos, object: map[string]*node{name: n}}, nil
}

var (
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	yamlInt    = regexp.MustCompile(`^[+-]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|[1-9][0-9_]*)$`)
)

// scalar gives a plain scalar the type that YAML 1.1 gives it: yes and on are booleans, 0644 is
// 420. Dates and sixties stay text.
func scalar(y *yaml.Node) any {
	s := y.Value
	if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") || y.Style&yaml.TaggedStyle != 0 {
		return s
	}
	switch s {
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false
	case "", "~", "null", "Null", "NULL":
		return nil
	}
	if jsonNumber.MatchString(s) {
		return json.Number(s)
	}
	if len(s) < 64 && yamlInt.MatchString(s) {
		text := strings.TrimPrefix(strings.ReplaceAll(s, "_", ""), "+")
		if i, ok := new(big.Int).SetString(text, 0); ok {
			return json.Number(i.String())
		}
	}
	return s
}
