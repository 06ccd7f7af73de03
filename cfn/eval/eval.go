// Package eval resolves what a CloudFormation template says: parameters, conditions, mappings,
// the intrinsic functions and dynamic references, and the order in which resources depend on
// each other. It knows templates and values, and nothing of who makes the resources.
//
//	params, err := eval.Parameters(ctx, t, map[string]string{"Stage": "test"}, nil)
//	…
//	s := &eval.Scope{Template: t, Parameters: params, Pseudo: pseudo, Resources: made, Imports: exports}
//	s.Conditions, err = eval.Conditions(s)
//	…
//	graph, err := eval.NewGraph(t, s.Conditions)
//	…
//	for _, id := range graph.Order() {
//		properties, err := s.Properties(id)
//		…
//	}
//
// Every error is a *parse.Error, with the path of what it is about and, where the template came
// from text, its line and column.
package eval

import (
	"encoding/json"
	"fmt"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Scope is what the names in a template stand for. It is not changed by evaluation, so
// goroutines may share one as far as Resources and Imports allow it.
type Scope struct {
	Template *parse.Template
	// Parameters are values as Parameters gives them: a string, or []any of strings for a list.
	Parameters map[string]any
	// Conditions are values as Conditions gives them.
	Conditions map[string]bool
	Pseudo     Pseudo
	// Resources tells the references of resources; nil where the template may name none.
	Resources Resources
	// Imports tells the exports of other stacks; nil means that there are none.
	Imports Imports
}

// Resources tells what Ref and Fn::GetAtt give. Either may give Unknown, which spreads to
// whatever is made of it.
type Resources interface {
	Ref(logicalID string) (any, error)
	Attribute(logicalID, name string) (any, error)
}

// Imports tells what Fn::ImportValue gives. ok is false where nobody exports the name.
type Imports interface {
	Import(name string) (value any, ok bool)
}

// Marker is a value that is not one.
type Marker string

// Unknown stands for a value that is known only once a resource has been made. Its text is what
// CloudFormation shows in a change set.
const Unknown Marker = "{{changeSet:KNOWN_AFTER_APPLY}}"

// noValue is what AWS::NoValue gives: it takes the property or list item out that holds it.
const noValue Marker = ""

// Value resolves all functions in v, which stands at path in the template. Dynamic references
// stay as they are: Dynamic resolves them, when the resource is made. The result shares nothing
// with v.
func (s *Scope) Value(path string, v any) (any, error) {
	e := &evaluation{s: s}
	got, err := e.value(&place{name: path}, v)
	if err == nil && got == noValue {
		return nil, s.Template.Errorf(path, "%s", noValueUsage)
	}
	return got, err
}

// Properties resolves the properties of a resource, never nil.
func (s *Scope) Properties(logicalID string) (map[string]any, error) {
	r := s.Template.Resources[logicalID]
	if len(r.Properties) == 0 {
		return map[string]any{}, nil
	}
	v, err := s.Value("Resources."+logicalID+".Properties", r.Properties)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, s.Template.Errorf("Resources."+logicalID+".Properties", "Template format error: Properties must be an object.")
	}
	return m, nil
}

// place is where evaluation stands, innermost first; it becomes text only in errors.
type place struct {
	outer *place
	name  string
	index int
}

func (p *place) key(name string) *place { return &place{outer: p, name: name} }
func (p *place) item(i int) *place      { return &place{outer: p, index: i} }

func (p *place) String() string {
	if p.outer == nil {
		return p.name
	}
	if p.name == "" {
		return fmt.Sprintf("%s[%d]", p.outer, p.index)
	}
	return p.outer.String() + "." + p.name
}

// maxText bounds what one evaluation may make: Fn::Sub in Fn::Join in Fn::Sub multiplies.
const maxText = 8 << 20

type evaluation struct {
	s    *Scope
	size int
}

func (e *evaluation) errorf(at *place, format string, args ...any) error {
	return e.s.Template.Errorf(at.String(), format, args...)
}

func (e *evaluation) grow(at *place, n int) error {
	if e.size += n; e.size > maxText {
		return e.errorf(at, "Template error: the resolved value is larger than %d bytes", maxText)
	}
	return nil
}

func (e *evaluation) value(at *place, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, arg, ok := Function(v); ok {
			return e.call(at.key(name), name, arg)
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			got, err := e.value(at.key(key), item)
			if err != nil {
				return nil, err
			}
			if got != noValue {
				out[key] = got
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for i, item := range v {
			got, err := e.value(at.item(i), item)
			if err != nil {
				return nil, err
			}
			if got != noValue {
				out = append(out, got)
			}
		}
		return out, nil
	case string:
		return v, e.grow(at, len(v))
	case []string: // from a template that was written in Go
		return anys(v), nil
	case int, int64, float64:
		data, err := json.Marshal(v)
		return json.Number(data), err
	}
	return v, nil
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}
