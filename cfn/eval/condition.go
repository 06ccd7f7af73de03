package eval

import (
	"maps"
	"reflect"
	"slices"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Conditions resolves the Conditions section. Of s it needs Template, Parameters and Pseudo.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
func Conditions(s *Scope) (map[string]bool, error) {
	alone := &Scope{Template: s.Template, Parameters: s.Parameters, Pseudo: s.Pseudo}
	c := &conditions{
		evaluation: evaluation{s: alone},
		done:       make(map[string]bool, len(s.Template.Conditions)),
		under:      map[string]bool{},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Template.Conditions)) {
		if _, err := c.named(&place{name: "Conditions." + name}, name); err != nil {
			return nil, err
		}
	}
	return c.done, nil
}

type conditions struct {
	evaluation
	done  map[string]bool
	under map[string]bool // being resolved: to meet one again is a cycle
}

func (c *conditions) named(at *place, name string) (bool, error) {
	if v, ok := c.done[name]; ok {
		return v, nil
	}
	def, ok := c.s.Template.Conditions[name]
	if !ok {
		return false, c.errorf(at, "Template format error: Unresolved condition dependency %s in the Conditions block of the template", name)
	}
	if c.under[name] {
		return false, c.errorf(at, "Template format error: Circular dependency between conditions: %s", slices.Sorted(maps.Keys(c.under)))
	}
	c.under[name] = true
	v, err := c.test(&place{name: "Conditions." + name}, def)
	delete(c.under, name)
	if err == nil {
		c.done[name] = v
	}
	return v, err
}

// test resolves a condition.
func (c *conditions) test(at *place, v any) (bool, error) {
	name, arg, ok := Function(v)
	at = at.key(name)
	list, _ := arg.([]any)
	switch {
	case ok && name == "Condition":
		named, _ := arg.(string)
		return c.named(at, named)
	case ok && name == "Fn::Equals":
		if len(list) != 2 {
			return false, c.errorf(at, "Template error: every Fn::Equals object requires a list of 2 string parameters.")
		}
		a, err := c.operand(at.item(0), list[0])
		if err != nil {
			return false, err
		}
		b, err := c.operand(at.item(1), list[1])
		return err == nil && equal(a, b), err
	case ok && name == "Fn::Not":
		if len(list) != 1 {
			return false, c.errorf(at, "Template error: every Fn::Not object requires one boolean parameter.")
		}
		v, err := c.test(at.item(0), list[0])
		return err == nil && !v, err
	case ok && (name == "Fn::And" || name == "Fn::Or"):
		if len(list) < 2 || len(list) > 10 {
			return false, c.errorf(at, "Template error: every %s object requires a list of at least 2 and at most 10 boolean parameters.", name)
		}
		result := name == "Fn::And"
		for i, item := range list {
			v, err := c.test(at.item(i), item)
			if err != nil {
				return false, err
			}
			if name == "Fn::And" {
				result = result && v
			} else {
				result = result || v
			}
		}
		return result, nil
	}
	return false, c.errorf(at.outer, "Template format error: Every Conditions member must be one of Condition, Fn::And, Fn::Equals, Fn::Not and Fn::Or.")
}

// operand resolves one side of Fn::Equals, which may hold a condition too.
func (c *conditions) operand(at *place, v any) (any, error) {
	if name, arg, ok := Function(v); ok {
		switch name {
		case "Condition", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
			b, err := c.test(at, v)
			return b, err
		case "Ref":
			if id, _ := arg.(string); id != "" {
				if _, isResource := c.s.Template.Resources[id]; isResource {
					return nil, c.errorf(at, "Template format error: Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", id)
				}
			}
		}
	}
	return c.value(at, v)
}

// equal compares as Fn::Equals does: scalars as strings.
func equal(a, b any) bool {
	x, isText := parse.Text(a)
	y, alsoText := parse.Text(b)
	if isText && alsoText {
		return x == y
	}
	return reflect.DeepEqual(a, b)
}

// choose is Fn::If. The branch that is not taken is not looked at.
func (e *evaluation) choose(at *place, arg any) (any, error) {
	branch, i, err := e.branch(at, arg)
	if err != nil {
		return nil, err
	}
	return e.value(at.item(i), branch)
}

func (e *evaluation) branch(at *place, arg any) (v any, index int, err error) {
	if err := e.wellFormed(at, "Fn::If", arg); err != nil {
		return nil, 0, err
	}
	list := arg.([]any)
	name := list[0].(string)
	held, ok := e.s.Conditions[name]
	if !ok {
		return nil, 0, e.errorf(at, "Template error: unresolved condition dependency %s in Fn::If", name)
	}
	if held {
		return list[1], 1, nil
	}
	return list[2], 2, nil
}
