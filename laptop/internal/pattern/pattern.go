// Package pattern matches events with event patterns, which EventBridge's rules and Lambda's filters
// share.
//
//	p, err := pattern.Parse(`{"detail": {"total": [{"numeric": [">", 100]}]}}`)
//	ok, err := p.MatchJSON([]byte(`{"detail": {"total": 120}}`))
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Pattern is an event pattern.
type Pattern struct {
	root object
}

// Parse reads a pattern. Its errors say where in it.
func Parse(text string) (*Pattern, error) {
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the event pattern is not JSON: %w", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("an event pattern is a JSON object")
	}
	root, err := parseObject("", m)
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	return &Pattern{root}, nil
}

// Keys are the names at the top of the pattern, those in $or included.
func (p *Pattern) Keys() []string {
	seen := map[string]bool{}
	p.root.keys(seen)
	return slices.Sorted(maps.Keys(seen))
}

// Match reports whether an event, as Decode gives it, fits.
func (p *Pattern) Match(event any) bool {
	m, ok := event.(map[string]any)
	return ok && p.root.match(m)
}

// MatchJSON is Match for an event as text.
func (p *Pattern) MatchJSON(event []byte) (bool, error) {
	v, err := Decode(event)
	if err != nil {
		return false, fmt.Errorf("the event is not JSON: %w", err)
	}
	return p.Match(v), nil
}

// Decode reads one JSON value and keeps numbers as they are written.
func Decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the value")
	}
	return v, nil
}

// object is what must hold of an object: each field, and of every list in either one at least.
type object struct {
	fields map[string]field
	either [][]object
}

// field is what must hold of a field: all in it, if it is an object, or else one of the tests.
type field struct {
	object *object
	tests  []test
}

// test looks at one value; there is false where the event has none.
type test func(v any, there bool) bool

func parseObject(path string, in map[string]any) (object, error) {
	out := object{fields: map[string]field{}}
	if len(in) == 0 {
		return out, fmt.Errorf("%s: an empty object fits nothing", at(path))
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		below := path + "." + name
		switch v := in[name].(type) {
		case map[string]any:
			o, err := parseObject(below, v)
			if err != nil {
				return out, err
			}
			out.fields[name] = field{object: &o}
		case []any:
			if len(v) == 0 {
				return out, fmt.Errorf("%s: an empty list fits nothing", at(below))
			}
			if name == "$or" {
				either, err := parseOr(below, v)
				if err != nil {
					return out, err
				}
				out.either = append(out.either, either)
				continue
			}
			var f field
			for _, one := range v {
				t, err := parseTest(below, one)
				if err != nil {
					return out, err
				}
				f.tests = append(f.tests, t)
			}
			out.fields[name] = f
		default:
			return out, fmt.Errorf("%s: %v stands where a list of values or an object should", at(below), v)
		}
	}
	return out, nil
}

func parseOr(path string, list []any) ([]object, error) {
	var either []object
	for _, one := range list {
		m, ok := one.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: its members are objects", at(path))
		}
		o, err := parseObject(path, m)
		if err != nil {
			return nil, err
		}
		either = append(either, o)
	}
	return either, nil
}

// at is a path without its first dot.
func at(path string) string {
	if path == "" {
		return "the pattern"
	}
	return path[1:]
}

func (o object) keys(seen map[string]bool) {
	for name := range o.fields {
		seen[name] = true
	}
	for _, either := range o.either {
		for _, one := range either {
			one.keys(seen)
		}
	}
}

func (o object) match(event map[string]any) bool {
	for name, f := range o.fields {
		v, there := event[name]
		if !f.match(v, there) {
			return false
		}
	}
	for _, either := range o.either {
		if !slices.ContainsFunc(either, func(one object) bool { return one.match(event) }) {
			return false
		}
	}
	return true
}

// match looks into lists: one member that fits is enough.
func (f field) match(v any, there bool) bool {
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			return f.match(nil, false)
		}
		return slices.ContainsFunc(list, func(one any) bool { return f.match(one, true) })
	}
	if f.object != nil {
		m, _ := v.(map[string]any) // what is no object has none of the fields
		return f.object.match(m)
	}
	if _, isObject := v.(map[string]any); isObject {
		v, there = nil, false // tests, exists among them, see leaves only
	}
	return slices.ContainsFunc(f.tests, func(t test) bool { return t(v, there) })
}
