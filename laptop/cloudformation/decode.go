package cloudformation

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Decode reads the properties into v, a pointer to a struct whose fields are named like the
// properties or by a json tag. Scalars are taken as CloudFormation takes them: 5 for "5" and "true"
// for true, both ways. A nested key that v has no field for is refused: keys that AWS does not have
// either were before. So is a value of the wrong kind, in the words of CloudFormation's own validation. What is missing leaves its field alone.
func (r Request) Decode(v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		panic("cloudformation: Decode needs a pointer to a struct")
	}
	if wrong := decode("#", r.Properties, target.Elem()); wrong != "" {
		return wordsf("Properties validation failed for resource %s with message:\n[%s]", r.LogicalID, wrong)
	}
	return nil
}

// decode puts v into target and returns what stands against it.
func decode(path string, v any, target reflect.Value) string {
	expected := func(kind string) string {
		return fmt.Sprintf("%s: expected type: %s, found: %s", path, kind, kindOf(v))
	}
	text, isText := parse.Text(v)
	switch target.Kind() {
	case reflect.Pointer:
		into := reflect.New(target.Type().Elem())
		if wrong := decode(path, v, into.Elem()); wrong != "" {
			return wrong
		}
		target.Set(into)
	case reflect.Interface:
		if target.NumMethod() > 0 {
			panic("cloudformation: Decode cannot fill " + target.Type().String())
		}
		if v != nil {
			target.Set(reflect.ValueOf(v))
		}
	case reflect.String:
		if !isText {
			return expected("String")
		}
		target.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if !isText || err != nil {
			return expected("Boolean")
		}
		target.SetBool(b)
	case reflect.Int, reflect.Int64, reflect.Int32:
		n, err := strconv.ParseInt(text, 10, target.Type().Bits())
		if !isText || err != nil {
			return expected("Integer")
		}
		target.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if !isText || err != nil {
			return expected("Number")
		}
		target.SetFloat(f)
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			return expected("JSONArray")
		}
		into := reflect.MakeSlice(target.Type(), len(list), len(list))
		for i, item := range list {
			if wrong := decode(fmt.Sprintf("%s/%d", path, i), item, into.Index(i)); wrong != "" {
				return wrong
			}
		}
		target.Set(into)
	case reflect.Map:
		return decodeMap(path, v, target, expected)
	case reflect.Struct:
		object, ok := v.(map[string]any)
		if !ok {
			return expected("JSONObject")
		}
		return decodeStruct(path, object, target)
	default:
		panic("cloudformation: Decode cannot fill " + target.Type().String())
	}
	return ""
}

func decodeMap(path string, v any, target reflect.Value, expected func(string) string) string {
	object, ok := v.(map[string]any)
	if !ok {
		return expected("JSONObject")
	}
	into := reflect.MakeMapWithSize(target.Type(), len(object))
	for _, key := range sortedKeys(object) {
		item := reflect.New(target.Type().Elem()).Elem()
		if wrong := decode(path+"/"+key, object[key], item); wrong != "" {
			return wrong
		}
		into.SetMapIndex(reflect.ValueOf(key).Convert(target.Type().Key()), item)
	}
	target.Set(into)
	return ""
}

func decodeStruct(path string, object map[string]any, target reflect.Value) string {
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		field := target.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-":
			continue
		case name == "":
			name = field.Name
		}
		fields[name] = target.Field(i)
	}
	for _, key := range sortedKeys(object) {
		field, ok := fields[key]
		if !ok {
			return fmt.Sprintf("%s: key [%s] is not supported on this machine", path, key)
		}
		if wrong := decode(path+"/"+key, object[key], field); wrong != "" {
			return wrong
		}
	}
	return ""
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "String"
	case json.Number:
		return "Number"
	case bool:
		return "Boolean"
	case []any:
		return "JSONArray"
	}
	return "JSONObject"
}
