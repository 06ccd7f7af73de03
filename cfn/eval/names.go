package eval

import (
	"maps"
	"slices"
	"strings"
)

// Use is a parameter, a resource or an import that a value is made of.
type Use struct {
	Parameter string
	Resource  string
	Attribute string // of the resource; empty for its Ref
	Import    string // the name of an export
}

// Uses are the parameters, resources and imports that v is made of, each once, in the order in which they
// stand there; of Fn::If only the branch that is taken.
func (s *Scope) Uses(path string, v any) ([]Use, error) {
	var uses []Use
	f := &finder{evaluation: evaluation{s: s}}
	f.lost = f.unresolved
	f.found = func(_ *place, u Use) error {
		if !slices.Contains(uses, u) {
			uses = append(uses, u)
		}
		return nil
	}
	err := f.names(&place{name: path}, v)
	return uses, err
}

// ImportNames are the names of all exports that the template imports, sorted, in resources and outputs
// whose condition holds.
func (s *Scope) ImportNames() ([]string, error) {
	names := map[string]bool{}
	collect := func(path string, v any) error {
		uses, err := s.Uses(path, v)
		for _, u := range uses {
			if u.Import != "" {
				names[u.Import] = true
			}
		}
		return err
	}
	for id, r := range s.Template.Resources {
		if Holds(r.Condition, s.Conditions) {
			if err := collect("Resources."+id+".Properties", any(r.Properties)); err != nil {
				return nil, err
			}
		}
	}
	for id, o := range s.Template.Outputs {
		if Holds(o.Condition, s.Conditions) {
			if err := collect("Outputs."+id+".Value", o.Value); err != nil {
				return nil, err
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// finder walks through what a template says and reports what it refers to.
type finder struct {
	evaluation
	found func(at *place, use Use) error
	lost  func(at *place, name string) error // nothing that the template has
}

// names walks through v. Pseudo parameters are not reported.
func (f *finder) names(at *place, v any) error {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := f.names(at.item(i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		name, arg, ok := Function(v)
		if ok && name != "Condition" {
			return f.call(at.key(name), name, arg)
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := f.names(at.key(key), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *finder) call(at *place, function string, arg any) error {
	switch function {
	case "Ref":
		name, ok := arg.(string)
		if !ok {
			return f.errorf(at, refUsage)
		}
		return f.name(at, name)
	case "Fn::GetAtt":
		id, attribute, _ := attributeOf(arg)
		if id == "" {
			return f.errorf(at, getAttUsage)
		}
		if _, ok := f.s.Template.Resources[id]; !ok {
			return f.errorf(at, "Template error: instance of Fn::GetAtt references undefined resource %s", id)
		}
		return f.found(at, Use{Resource: id, Attribute: attribute})
	case "Fn::Sub":
		return f.sub(at, arg)
	case "Fn::ImportValue":
		if f.s.Parameters == nil {
			break // the template is only checked: names are not known yet
		}
		name, known, err := f.string(at, arg)
		if err != nil {
			return err
		}
		if !known {
			return f.errorf(at, "Template error: Fn::ImportValue cannot depend on a resource")
		}
		return f.found(at, Use{Import: name})
	case "Fn::If":
		if f.s.Conditions == nil {
			break // the template is only checked: both branches count
		}
		branch, i, err := f.branch(at, arg)
		if err != nil {
			return err
		}
		return f.names(at.item(i), branch)
	}
	return f.names(at, arg)
}

func (f *finder) sub(at *place, arg any) error {
	format, own, ok := subArgs(arg)
	if !ok {
		return f.errorf(at, subUsage)
	}
	for part := range substitutions(format) {
		if _, isOwn := own[part.name]; part.name == "" || isOwn {
			continue
		}
		id, attribute, dotted := strings.Cut(part.name, ".")
		_, isResource := f.s.Template.Resources[id]
		var err error
		switch {
		case !dotted:
			err = f.name(at, id)
		case isResource:
			err = f.found(at, Use{Resource: id, Attribute: attribute})
		default:
			err = f.lost(at, id)
		}
		if err != nil {
			return err
		}
	}
	return f.names(at.item(1), any(own))
}

func (f *finder) name(at *place, name string) error {
	if _, ok := (Pseudo{}).value(name); ok {
		return nil
	}
	if _, ok := f.s.Template.Parameters[name]; ok {
		return f.found(at, Use{Parameter: name})
	}
	if _, ok := f.s.Template.Resources[name]; !ok {
		return f.lost(at, name)
	}
	return f.found(at, Use{Resource: name})
}
