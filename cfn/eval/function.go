package eval

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Function takes a function apart: an object with one key that is Ref, Condition or begins with
// "Fn::".
func Function(v any) (name string, arg any, ok bool) {
	m, isMap := v.(map[string]any)
	if !isMap || len(m) != 1 {
		return "", nil, false
	}
	for key, arg := range m {
		if key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return key, arg, true
		}
		if _, isName := arg.(string); isName && key == "Condition" {
			return key, arg, true
		}
	}
	return "", nil, false
}

// call resolves a function. at is the place of the function itself.
func (e *evaluation) call(at *place, name string, arg any) (any, error) {
	if err := e.wellFormed(at, name, arg); err != nil {
		return nil, err
	}
	switch name {
	case "Ref":
		return e.ref(at, arg)
	case "Condition":
		// Outside of conditions this is an object like any other: IAM policies have one.
		return map[string]any{"Condition": arg}, nil
	case "Fn::GetAtt":
		return e.getAtt(at, arg)
	case "Fn::Sub":
		return e.sub(at, arg)
	case "Fn::Join":
		return e.join(at, arg)
	case "Fn::Select":
		return e.selectItem(at, arg)
	case "Fn::Split":
		return e.split(at, arg)
	case "Fn::If":
		return e.choose(at, arg)
	case "Fn::FindInMap":
		return e.findInMap(at, arg)
	case "Fn::ImportValue":
		return e.importValue(at, arg)
	case "Fn::Base64":
		return e.base64(at, arg)
	case "Fn::GetAZs":
		return e.zones(at, arg)
	case "Fn::Cidr":
		return e.cidr(at, arg)
	case "Fn::Length":
		return e.length(at, arg)
	case "Fn::ToJsonString":
		return e.toJSON(at, arg)
	}
	panic("eval: " + name + " is well formed and nobody resolves it")
}

// string resolves v to text; known is false if it hangs on a resource that is not made yet.
func (e *evaluation) string(at *place, v any) (s string, known bool, err error) {
	got, err := e.value(at, v)
	if err != nil {
		return "", false, err
	}
	if got == Unknown {
		return "", false, nil
	}
	s, ok := parse.Text(got)
	if !ok {
		return "", false, e.errorf(at, "Template error: a string is needed here")
	}
	return s, true, nil
}

// list resolves v to a list; known is false if it hangs on a resource that is not made yet.
func (e *evaluation) list(at *place, v any) (items []any, known bool, err error) {
	got, err := e.value(at, v)
	if err != nil || got == Unknown {
		return nil, false, err
	}
	items, ok := got.([]any)
	if !ok {
		return nil, false, e.errorf(at, "Template error: a list is needed here")
	}
	return items, true, nil
}

// ofText gives what f makes of v, which resolves to text.
func (e *evaluation) ofText(at *place, v any, f func(string) (any, error)) (any, error) {
	s, known, err := e.string(at, v)
	if err != nil || !known {
		return Unknown, err
	}
	return f(s)
}

func (e *evaluation) base64(at *place, arg any) (any, error) {
	return e.ofText(at, arg, func(s string) (any, error) {
		return base64.StdEncoding.EncodeToString([]byte(s)), e.grow(at, len(s))
	})
}

func (e *evaluation) zones(at *place, arg any) (any, error) {
	return e.ofText(at, arg, func(region string) (any, error) {
		region = cmp.Or(region, e.s.Pseudo.Region)
		return []any{region + "a", region + "b", region + "c"}, nil
	})
}

func (e *evaluation) join(at *place, arg any) (any, error) {
	args := arg.([]any)
	separator := args[0].(string)
	items, known, err := e.list(at.item(1), args[1])
	if err != nil || !known {
		return Unknown, err
	}
	parts := make([]string, len(items))
	for i, item := range items {
		if item == Unknown {
			return Unknown, nil
		}
		var ok bool
		if parts[i], ok = parse.Text(item); !ok {
			return nil, e.errorf(at.item(1).item(i), joinUsage)
		}
	}
	joined := strings.Join(parts, separator)
	return joined, e.grow(at, len(joined))
}

func (e *evaluation) split(at *place, arg any) (any, error) {
	args := arg.([]any)
	separator := args[0].(string)
	return e.ofText(at.item(1), args[1], func(s string) (any, error) {
		if err := e.grow(at, 16*strings.Count(s, separator)); err != nil {
			return nil, err
		}
		return anys(strings.Split(s, separator)), nil
	})
}

func (e *evaluation) selectItem(at *place, arg any) (any, error) {
	args := arg.([]any)
	index, known, err := e.string(at.item(0), args[0])
	if err != nil || !known {
		return Unknown, err
	}
	items, known, err := e.list(at.item(1), args[1])
	if err != nil || !known {
		return Unknown, err
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		return nil, e.errorf(at, "Template error: Fn::Select cannot select nonexistent value at index %s", index)
	}
	return items[i], nil
}

// length is Fn::Length, which AWS resolves before any resource is made.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-length.html
func (e *evaluation) length(at *place, arg any) (any, error) {
	items, known, err := e.list(at, arg)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, e.errorf(at, "Template error: Fn::Length cannot depend on a resource")
	}
	return json.Number(strconv.Itoa(len(items))), nil
}

// toJSON is Fn::ToJsonString; an object's keys come out sorted.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ToJsonString.html
func (e *evaluation) toJSON(at *place, arg any) (any, error) {
	v, err := e.value(at, arg)
	if err != nil || HasUnknown(v) {
		return Unknown, err
	}
	switch v.(type) {
	case map[string]any, []any:
	default:
		return nil, e.errorf(at, toJSONUsage)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, e.errorf(at, "Template error: Fn::ToJsonString: %v", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), e.grow(at, b.Len())
}

// HasUnknown says whether v holds a value that only a resource can tell.
func HasUnknown(v any) bool {
	switch v := v.(type) {
	case Marker:
		return v == Unknown
	case string:
		return v == string(Unknown)
	case []any:
		return slices.ContainsFunc(v, HasUnknown)
	case map[string]any:
		for _, item := range v {
			if HasUnknown(item) {
				return true
			}
		}
	}
	return false
}

func (e *evaluation) findInMap(at *place, arg any) (any, error) {
	args := arg.([]any)
	var names [3]string
	for i := range names {
		s, known, err := e.string(at.item(i), args[i])
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, e.errorf(at.item(i), "Template error: Fn::FindInMap cannot depend on a resource")
		}
		names[i] = s
	}
	mapping, ok := e.s.Template.Mappings[names[0]].(map[string]any)
	if ok {
		row, _ := mapping[names[1]].(map[string]any)
		if value, ok := row[names[2]]; ok {
			return value, nil
		}
	}
	if len(args) == 4 {
		return e.value(at.item(3).key("DefaultValue"), args[3].(map[string]any)["DefaultValue"])
	}
	if !ok {
		return nil, e.errorf(at, "Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", names[0])
	}
	return nil, e.errorf(at, "Template error: Unable to get mapping for %s::%s::%s", names[0], names[1], names[2])
}

func (e *evaluation) importValue(at *place, arg any) (any, error) {
	name, known, err := e.string(at, arg)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, e.errorf(at, "Template error: Fn::ImportValue cannot depend on a resource")
	}
	if e.s.Imports != nil {
		if value, ok := e.s.Imports.Import(name); ok {
			return value, nil
		}
	}
	return nil, e.errorf(at, "No export named %s found", name)
}
