package eval

import (
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/parse"
)

// What CloudFormation says of a function whose arguments are not what it takes.
const (
	getAttUsage   = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
	subUsage      = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"
	subValueUsage = "Template error: every value of the context object of every Fn::Sub object must be a string or a function that returns a string"
	subVariable   = "Template error: variable %s in Fn::Sub expression does not resolve to a string"
	noValueUsage  = "Template error: AWS::NoValue stands where a value is needed"
	joinUsage     = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
	splitUsage    = "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split."
	selectUsage   = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
	findUsage     = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
	cidrUsage     = "Template error: every Fn::Cidr object requires two or three parameters, (1) a string ipBlock, (2) an integer count and (3) an integer cidrBits"
	ifUsage       = "Template error: Fn::If requires a list argument with three elements"
	ifNameUsage   = "Template error: Fn::If requires a list argument with the first element being a condition"
	refUsage      = "Template error: Ref requires the name of a parameter or a resource"
	importUsage   = "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string"
	base64Usage   = "Template error: every Fn::Base64 object must have a String-typed value."
	zonesUsage    = "Template error: every Fn::GetAZs object must have a String-typed value."
	lengthUsage   = "Template error: Fn::Length requires a list or a function that returns a list"
	toJSONUsage   = "Template error: Fn::ToJsonString requires an object or a list"
	unknownFormat = "Template format error: Encountered unsupported function: %s Supported functions are: %s"
)

const supported = "[Ref, Condition, Fn::And, Fn::Base64, Fn::Cidr, Fn::Equals, Fn::FindInMap, Fn::GetAZs, Fn::GetAtt, Fn::If, Fn::ImportValue, Fn::Join, Fn::Not, Fn::Or, Fn::Select, Fn::Split, Fn::Sub]"

// extended says whether the template has the transform that adds functions.
func (e *evaluation) extended() bool {
	return slices.Contains(e.s.Template.Transform, cfn.LanguageExtensions)
}

// wellFormed checks the arguments of a function, as far as they can be checked before anything is
// resolved.
func (e *evaluation) wellFormed(at *place, name string, arg any) error {
	usage := ""
	list, isList := arg.([]any)
	switch name {
	case "Condition": // an object like any other outside of conditions: IAM policies have one
	case "Ref":
		if _, ok := arg.(string); !ok {
			usage = refUsage
		}
	case "Fn::GetAtt":
		id, attribute := "", any(nil)
		if s, ok := arg.(string); ok {
			id, attribute, _ = cutAttribute(s)
		} else if len(list) == 2 {
			id, _ = list[0].(string)
			attribute = list[1]
		}
		if id == "" || !textual(attribute) || attribute == "" {
			usage = getAttUsage
		}
	case "Fn::Sub":
		return e.subShape(at, arg)
	case "Fn::Join":
		usage = joinUsage
		if len(list) == 2 && isText(list[0]) && listing(list[1]) {
			usage = ""
		}
	case "Fn::Split":
		usage = splitUsage
		if len(list) == 2 && isText(list[0]) && list[0] != "" && textual(list[1]) {
			usage = ""
		}
	case "Fn::Select":
		if len(list) != 2 || !textual(list[0]) || !listing(list[1]) {
			usage = selectUsage
		}
	case "Fn::If":
		if len(list) != 3 {
			usage = ifUsage
		} else if !isText(list[0]) {
			usage = ifNameUsage
		}
	case "Fn::FindInMap":
		return e.findInMapArgs(at, list)
	case "Fn::ImportValue":
		if !textual(arg) {
			usage = importUsage
		}
	case "Fn::Base64":
		if !textual(arg) {
			usage = base64Usage
		}
	case "Fn::GetAZs":
		if !textual(arg) {
			usage = zonesUsage
		}
	case "Fn::Cidr":
		if isList && len(list) != 2 && len(list) != 3 || !listing(arg) {
			usage = cidrUsage
		}
	case "Fn::Length", "Fn::ToJsonString":
		switch {
		case !e.extended():
			return e.errorf(at, unknownFormat+" (%s is of the transform %s)", name, supported, name, cfn.LanguageExtensions)
		case name == "Fn::Length" && !listing(arg):
			usage = lengthUsage
		case name == "Fn::ToJsonString" && !structured(arg):
			usage = toJSONUsage
		}
	default:
		return e.errorf(at, unknownFormat, name, supported)
	}
	if usage != "" {
		return e.errorf(at, "%s", usage)
	}
	return nil
}

// subShape checks what Fn::Sub puts in, as far as the template alone tells that it is no string.
func (e *evaluation) subShape(at *place, arg any) error {
	format, own, ok := subArgs(arg)
	if !ok {
		return e.errorf(at, "%s", subUsage)
	}
	for _, name := range sortedKeys(own) {
		if v := own[name]; !textual(v) || isNoValue(v) {
			return e.errorf(at.item(1).key(name), "%s", subValueUsage)
		}
	}
	for part := range substitutions(format) {
		if _, isOwn := own[part.name]; isOwn || part.name == "" {
			continue
		}
		pseudo, _ := (Pseudo{}).value(part.name)
		_, isList := pseudo.([]any)
		if isList || pseudo == noValue || listType(e.s.Template.Parameters[part.name].Type) {
			return e.errorf(at, subVariable, part.name)
		}
	}
	return nil
}

// isNoValue says whether v is {"Ref": "AWS::NoValue"}.
func isNoValue(v any) bool {
	name, arg, ok := Function(v)
	return ok && name == "Ref" && arg == "AWS::NoValue"
}

// findInMapArgs checks [map, key, attribute] and, with the transform, {DefaultValue: …} behind them.
func (e *evaluation) findInMapArgs(at *place, list []any) error {
	if len(list) < 3 || len(list) > 4 || slices.ContainsFunc(list[:3], func(v any) bool { return !textual(v) }) {
		return e.errorf(at, findUsage)
	}
	if len(list) == 4 {
		m, _ := list[3].(map[string]any)
		if _, ok := m["DefaultValue"]; !ok || len(m) != 1 || !e.extended() {
			return e.errorf(at, findUsage+" (a fourth, {DefaultValue: …}, is of the transform %s)", cfn.LanguageExtensions)
		}
	}
	return nil
}

func cutAttribute(s string) (id string, attribute any, ok bool) {
	id, rest, ok := strings.Cut(s, ".")
	return id, rest, ok
}

func isText(v any) bool { _, ok := v.(string); return ok }

// isFunction says whether v is resolved to something else.
func isFunction(v any) bool { _, _, ok := Function(v); return ok }

// textual says whether v is text or may become it.
func textual(v any) bool {
	_, ok := parse.Text(v)
	switch v.(type) {
	case int, int64, float64: // of a template that was written in Go
		ok = true
	}
	return ok || isFunction(v)
}

// listing says whether v is a list or may become one.
func listing(v any) bool {
	switch v.(type) {
	case []any, []string:
		return true
	}
	return isFunction(v)
}

func structured(v any) bool {
	_, isObject := v.(map[string]any)
	return isObject || listing(v)
}

// shape checks every function in v, and that none hides beside other keys.
func (e *evaluation) shape(at *place, v any) error {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := e.shape(at.item(i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		if name, arg, ok := Function(v); ok {
			if err := e.wellFormed(at.key(name), name, arg); err != nil {
				return err
			}
		}
		for _, key := range sortedKeys(v) {
			if len(v) > 1 && strings.HasPrefix(key, "Fn::") {
				return e.errorf(at.key(key), "Template format error: %s stands beside other keys; a function is an object of its own", key)
			}
			if err := e.shape(at.key(key), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}
