package eval

import (
	"maps"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Check finds what is wrong with a template whatever its parameters are: names that nothing in
// it has, conditions that are not there, functions that are not whole.
func Check(t *parse.Template) error {
	c := &checker{t: t}
	if err := c.conditions(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		c.dependsOn(id)
		if err := c.value("Resources."+id+".Properties", any(t.Resources[id].Properties)); err != nil {
			return err
		}
		if err := c.value("Resources."+id+".CreationPolicy", any(t.Resources[id].CreationPolicy)); err != nil {
			return err
		}
	}
	if err := c.unresolved("Resources"); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.Outputs)) {
		o, path := t.Outputs[id], "Outputs."+id
		if err := c.value(path+".Value", o.Value); err != nil {
			return err
		}
		if isNoValue(o.Value) {
			return t.Errorf(path+".Value", "%s", noValueUsage)
		}
		if o.Export != nil {
			if err := c.value(path+".Export.Name", o.Export.Name); err != nil {
				return err
			}
		}
	}
	return c.unresolved("Outputs")
}

type checker struct {
	t    *parse.Template
	lost map[string]bool // names that nothing has; CloudFormation reports a block's together
	path string          // where the first of them stands
}

func (c *checker) lose(path, name string) {
	if c.lost == nil {
		c.lost, c.path = map[string]bool{}, path
	}
	c.lost[name] = true
}

func (c *checker) unresolved(block string) error {
	if c.lost == nil {
		return nil
	}
	names := strings.Join(sortedKeys(c.lost), ", ")
	return c.t.Errorf(c.path, "Template format error: Unresolved resource dependencies [%s] in the %s block of the template", names, block)
}

func (c *checker) dependsOn(id string) {
	for _, name := range c.t.Resources[id].DependsOn {
		if _, ok := c.t.Resources[name]; !ok {
			c.lose("Resources."+id+".DependsOn", name)
		}
	}
}

func (c *checker) value(path string, v any) error {
	f := &finder{
		evaluation: evaluation{s: &Scope{Template: c.t}},
		found:      func(*place, Use) error { return nil },
		lost: func(at *place, name string) error {
			c.lose(at.String(), name)
			return nil
		},
	}
	if err := f.shape(&place{name: path}, v); err != nil {
		return err
	}
	if err := f.names(&place{name: path}, v); err != nil {
		return err
	}
	return c.choices(&place{name: path}, v)
}

// conditions checks that the conditions exist which resources and outputs name.
func (c *checker) conditions() error {
	check := func(section, id, name string) error {
		if _, ok := c.t.Conditions[name]; name != "" && !ok {
			return c.t.Errorf(section+"."+id+".Condition", "Template format error: Unresolved condition dependency %s in the %s block of the template", name, section)
		}
		return nil
	}
	for _, id := range sortedKeys(c.t.Resources) {
		if err := check("Resources", id, c.t.Resources[id].Condition); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(c.t.Outputs) {
		if err := check("Outputs", id, c.t.Outputs[id].Condition); err != nil {
			return err
		}
	}
	return nil
}

// choices checks that the conditions exist which Fn::If in v names.
func (c *checker) choices(at *place, v any) error {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := c.choices(at.item(i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		if list, ok := v["Fn::If"].([]any); ok && len(v) == 1 && len(list) == 3 {
			name, _ := list[0].(string)
			if _, ok := c.t.Conditions[name]; !ok {
				return c.t.Errorf(at.String(), "Template error: unresolved condition dependency %s in Fn::If", name)
			}
		}
		for _, key := range sortedKeys(v) {
			if err := c.choices(at.key(key), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
