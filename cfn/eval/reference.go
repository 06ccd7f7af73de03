package eval

import (
	"strings"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Pseudo are the values of the pseudo parameters.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
type Pseudo struct {
	StackName        string
	StackID          string
	Region           string
	AccountID        string
	Partition        string // "" means aws
	URLSuffix        string // "" means amazonaws.com
	NotificationARNs []string
}

func (p Pseudo) value(name string) (any, bool) {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	switch name {
	case "AWS::StackName":
		return p.StackName, true
	case "AWS::StackId":
		return p.StackID, true
	case "AWS::Region":
		return p.Region, true
	case "AWS::AccountId":
		return p.AccountID, true
	case "AWS::Partition":
		return or(p.Partition, "aws"), true
	case "AWS::URLSuffix":
		return or(p.URLSuffix, "amazonaws.com"), true
	case "AWS::NotificationARNs":
		list := make([]any, len(p.NotificationARNs))
		for i, arn := range p.NotificationARNs {
			list[i] = arn
		}
		return list, true
	case "AWS::NoValue":
		return noValue, true
	}
	return nil, false
}

func (e *evaluation) ref(at *place, arg any) (any, error) {
	return e.name(at, arg.(string))
}

// name is what Ref gives for a name.
func (e *evaluation) name(at *place, name string) (any, error) {
	if v, ok := e.s.Pseudo.value(name); ok {
		return v, nil
	}
	if v, ok := e.s.Parameters[name]; ok {
		return v, nil
	}
	if _, ok := e.s.Template.Resources[name]; !ok || e.s.Resources == nil {
		return nil, e.unresolved(at, name)
	}
	v, err := e.s.Resources.Ref(name)
	return v, e.locate(at, err)
}

func (e *evaluation) unresolved(at *place, name string) error {
	block, _, _ := strings.Cut(at.String(), ".")
	return e.errorf(at, "Template format error: Unresolved resource dependencies [%s] in the %s block of the template", name, block)
}

// locate gives an error of Resources its place.
func (e *evaluation) locate(at *place, err error) error {
	if err == nil {
		return nil
	}
	return e.errorf(at, "%v", err)
}

func (e *evaluation) getAtt(at *place, arg any) (any, error) {
	id, attribute, ok := attributeOf(arg)
	if list, isList := arg.([]any); !ok && isList && len(list) == 2 {
		// The attribute's name may be a Ref to a parameter.
		name, known, err := e.string(at.item(1), list[1])
		if err != nil {
			return nil, err
		}
		id, _ = list[0].(string)
		attribute, ok = name, known && id != "" && name != ""
	}
	if !ok {
		return nil, e.errorf(at, getAttUsage)
	}
	return e.attribute(at, id, attribute)
}

func (e *evaluation) attribute(at *place, id, name string) (any, error) {
	if _, ok := e.s.Template.Resources[id]; !ok || e.s.Resources == nil {
		return nil, e.errorf(at, "Template error: instance of Fn::GetAtt references undefined resource %s", id)
	}
	v, err := e.s.Resources.Attribute(id, name)
	return v, e.locate(at, err)
}

// attributeOf reads the argument of Fn::GetAtt: ["Id", "Name"] or "Id.Name".
func attributeOf(arg any) (id, attribute string, ok bool) {
	switch arg := arg.(type) {
	case string:
		id, attribute, _ = strings.Cut(arg, ".")
	case []any:
		if len(arg) == 2 {
			id, _ = arg[0].(string)
			attribute, _ = arg[1].(string)
		}
	}
	return id, attribute, id != "" && attribute != ""
}

// subArgs reads the argument of Fn::Sub: "text" or ["text", {…}].
func subArgs(arg any) (format string, own map[string]any, ok bool) {
	list, isList := arg.([]any)
	if !isList {
		format, ok = arg.(string)
		return format, nil, ok
	}
	if len(list) != 2 {
		return "", nil, false
	}
	format, ok = list[0].(string)
	own, isMap := list[1].(map[string]any)
	return format, own, ok && isMap
}

func (e *evaluation) sub(at *place, arg any) (any, error) {
	format, own, ok := subArgs(arg)
	if !ok {
		return nil, e.errorf(at, subUsage)
	}
	var b strings.Builder
	unknown := false
	for part := range substitutions(format) {
		if part.name == "" {
			b.WriteString(part.text)
			continue
		}
		var v any
		var err error
		if value, found := own[part.name]; found {
			v, err = e.value(at.item(1).key(part.name), value)
		} else if id, attribute, dotted := strings.Cut(part.name, "."); dotted {
			v, err = e.attribute(at, id, attribute)
		} else {
			v, err = e.name(at, part.name)
		}
		if err != nil {
			return nil, err
		}
		if v == Unknown {
			unknown = true
			continue
		}
		s, ok := parse.Text(v)
		if !ok {
			return nil, e.errorf(at, subVariable, part.name)
		}
		if err := e.grow(at, len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	if unknown {
		return Unknown, nil
	}
	return b.String(), e.grow(at, len(format))
}

// substitution is a piece of Fn::Sub's text: a name to put in, or literal text.
type substitution struct {
	text, name string
}

// substitutions cuts the text of Fn::Sub: ${Name} is put in, ${!Literal} is written ${Literal}.
func substitutions(format string) func(yield func(substitution) bool) {
	return func(yield func(substitution) bool) {
		for {
			start := strings.Index(format, "${")
			if start < 0 {
				break
			}
			end := strings.IndexByte(format[start:], '}')
			if end < 0 {
				break
			}
			if start > 0 && !yield(substitution{text: format[:start]}) {
				return
			}
			inner := format[start+2 : start+end]
			format = format[start+end+1:]
			part := substitution{name: strings.TrimSpace(inner)}
			if literal, ok := strings.CutPrefix(inner, "!"); ok {
				part = substitution{text: "${" + literal + "}"}
			} else if part.name == "" {
				part.text = "${" + inner + "}"
			}
			if !yield(part) {
				return
			}
		}
		if format != "" {
			yield(substitution{text: format})
		}
	}
}
