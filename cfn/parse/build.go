package parse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn"
)

// builder fills the template's values from its tree and checks the structure, in the words of
// CloudFormation's own check.
type builder struct {
	t *Template
}

// sections are those of
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
// but Rules, which would go unchecked.
var sections = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Transform", "Resources", "Outputs"}

func (b *builder) build() error {
	root := b.t.root
	if path, found := firstNull(root); found {
		return b.t.Errorf(path, "[%s] 'null' values are not allowed in templates", slashes(path))
	}
	for _, key := range root.keys() {
		switch {
		case key == "Rules":
			return b.t.Errorf(key, "Template format error: the section %s is not supported here.", key)
		case !slices.Contains(sections, key):
			return b.t.Errorf(key, "Invalid template property or properties [%s]", key)
		}
	}
	t := b.t
	for _, step := range []func() error{
		func() error { return b.text(root, "", "AWSTemplateFormatVersion", &t.AWSTemplateFormatVersion) },
		func() error { return b.text(root, "", "Description", &t.Description) },
		func() error { return b.section("Metadata", &t.Metadata) },
		func() error { return b.section("Mappings", &t.Mappings) },
		func() error { return b.section("Conditions", &t.Conditions) },
		b.version, b.transform, b.mappings, b.parameters, b.resources, b.outputs,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) version() error {
	if v := b.t.AWSTemplateFormatVersion; v != "" && v != cfn.FormatVersion {
		return b.t.Errorf("AWSTemplateFormatVersion", "Template format error: unsupported value for AWSTemplateFormatVersion.")
	}
	return nil
}

// transform takes the one transform that is carried out here; any other would go unapplied.
func (b *builder) transform() (err error) {
	n := b.t.root.object["Transform"]
	if n == nil {
		return nil
	}
	if b.t.Transform, err = b.names(n, "Transform"); err != nil {
		return err
	}
	for _, name := range b.t.Transform {
		if name != cfn.LanguageExtensions {
			return b.t.Errorf("Transform", "Template format error: the transform %s is not supported here; %s is.", name, cfn.LanguageExtensions)
		}
	}
	return nil
}

// mappings checks the two levels of keys and the values, which are text or lists of it.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/mappings-section-structure.html
func (b *builder) mappings() error {
	n := b.t.root.object["Mappings"]
	if n == nil {
		return nil
	}
	for _, name := range n.keys() {
		path, mapping := "Mappings."+name, n.object[name]
		if !alphanumeric(name) {
			return b.t.Errorf(path, "Template format error: Mappings name %s is non alphanumeric.", name)
		}
		if mapping.object == nil {
			return b.t.Errorf(path, "Template format error: Every Mappings member %s must be a map", name)
		}
		for _, key := range mapping.keys() {
			row, path := mapping.object[key], path+"."+key
			if row.object == nil {
				return b.t.Errorf(path, "Template format error: Every Mappings member %s must be a map", key)
			}
			for _, attribute := range row.keys() {
				if v := row.object[attribute]; v.object != nil || slices.ContainsFunc(v.list, func(item *node) bool { return item.object != nil || item.isList }) {
					return b.t.Errorf(path+"."+attribute, "Template format error: Every Mappings attribute must be a String or a List.")
				}
			}
		}
	}
	return nil
}

// members reads a section whose members are objects: part takes in one key of the member n, which
// stands at path, and whole checks the member when all are in. A section that is missing is nil.
func members[V any](b *builder, section, noun string, part func(v *V, n *node, path, key string) error, whole func(v *V, id, path string) error) (map[string]V, error) {
	n := b.t.root.object[section]
	if n == nil {
		return nil, nil
	}
	if n.object == nil {
		return nil, b.t.Errorf(section, "Template format error: %s must be an object.", section)
	}
	for _, id := range n.keys() {
		if strings.HasPrefix(id, "Fn::") {
			return nil, b.t.Errorf(section+"."+id, "Template format error: %s is not supported here: write out what it would make.", id)
		}
		if n.object[id].object == nil {
			return nil, b.t.Errorf(section+"."+id, "Template format error: Any %s member must be an object.", section)
		}
	}
	all := make(map[string]V, len(n.object))
	for _, id := range n.keys() {
		member, path := n.object[id], section+"."+id
		if !alphanumeric(id) {
			return nil, b.t.Errorf(path, "Template format error: %s name %s is non alphanumeric.", noun, id)
		}
		var v V
		for _, key := range member.keys() {
			if err := part(&v, member, path, key); err != nil {
				return nil, err
			}
		}
		if err := whole(&v, id, path); err != nil {
			return nil, err
		}
		all[id] = v
	}
	return all, nil
}

func (b *builder) section(name string, into *map[string]any) error {
	n := b.t.root.object[name]
	if n == nil {
		return nil
	}
	m, ok := n.value().(map[string]any)
	if !ok {
		return b.t.Errorf(name, "Template format error: %s must be an object.", name)
	}
	*into = m
	return nil
}

func (b *builder) resources() (err error) {
	b.t.Resources, err = members(b, "Resources", "Resource", b.resourcePart, func(r *cfn.Resource, id, path string) error {
		if r.Type == "" {
			return b.t.Errorf(path, "Template format error: [/Resources/%s] Every Resources object must contain a Type member.", id)
		}
		return nil
	})
	if err == nil && len(b.t.Resources) == 0 {
		err = b.t.Errorf("", "Template format error: At least one Resources member must be defined.")
	}
	return err
}

func (b *builder) resourcePart(r *cfn.Resource, n *node, path, key string) (err error) {
	c, at := n.object[key], path+"."+key
	switch key {
	case "Type":
		err = b.text(n, path, key, &r.Type)
	case "Condition":
		err = b.text(n, path, key, &r.Condition)
	case "DeletionPolicy":
		err = b.text(n, path, key, &r.DeletionPolicy)
	case "UpdateReplacePolicy":
		err = b.text(n, path, key, &r.UpdateReplacePolicy)
	case "Properties":
		r.Properties, err = b.object(c, at)
	case "CreationPolicy":
		r.CreationPolicy, err = b.object(c, at)
	case "UpdatePolicy":
		r.UpdatePolicy, err = b.object(c, at)
	case "Metadata":
		r.Metadata, err = b.object(c, at)
	case "DependsOn":
		r.DependsOn, err = b.names(c, at)
	default:
		err = b.t.Errorf(at, "Invalid template resource property '%s'", key)
	}
	return err
}

func (b *builder) outputs() (err error) {
	b.t.Outputs, err = members(b, "Outputs", "Output", b.outputPart, func(o *cfn.Output, _, path string) error {
		if o.Value == nil {
			return b.t.Errorf(path, "Template format error: Every Outputs member must contain a Value object")
		}
		return nil
	})
	return err
}

func (b *builder) outputPart(o *cfn.Output, n *node, path, key string) error {
	c, at := n.object[key], path+"."+key
	switch key {
	case "Description":
		return b.text(n, path, key, &o.Description)
	case "Condition":
		return b.text(n, path, key, &o.Condition)
	case "Value":
		o.Value = c.value()
	case "Export":
		if len(c.object) != 1 || c.object["Name"] == nil {
			return b.t.Errorf(at, "Template format error: Output %s is malformed. The Name field of every Export member must be specified",
				strings.TrimPrefix(path, "Outputs."))
		}
		o.Export = &cfn.Export{Name: c.object["Name"].value()}
	default:
		return b.t.Errorf(at, "Template format error: Unrecognized Output member %s.", key)
	}
	return nil
}

// text reads the string at key of n, which may be missing.
func (b *builder) text(n *node, path, key string, into *string) error {
	c := n.object[key]
	if c == nil {
		return nil
	}
	s, ok := Text(c.scalar)
	if !ok {
		return b.t.Errorf(strings.TrimPrefix(path+"."+key, "."), "Template format error: %s must be a string.", key)
	}
	*into = s
	return nil
}

func (b *builder) object(n *node, path string) (map[string]any, error) {
	m, ok := n.value().(map[string]any)
	if !ok {
		return nil, b.t.Errorf(path, "Template format error: [%s] must be an object.", slashes(path))
	}
	return m, nil
}

// names reads one name or a list of them, as DependsOn and Transform have.
func (b *builder) names(n *node, path string) ([]string, error) {
	what := path[strings.LastIndexByte(path, '.')+1:]
	if s, ok := Text(n.scalar); ok {
		return []string{s}, nil
	}
	names := []string{}
	for i, c := range n.list {
		s, ok := Text(c.scalar)
		if !ok {
			return nil, b.t.Errorf(fmt.Sprintf("%s[%d]", path, i), "Template format error: %s must be a string or list of strings.", what)
		}
		names = append(names, s)
	}
	if !n.isList {
		return nil, b.t.Errorf(path, "Template format error: %s must be a string or list of strings.", what)
	}
	return names, nil
}

// firstNull finds a null, the first by path. The path is only put together on the way back from
// a find: a template of long keys would else cost its size squared.
func firstNull(n *node) (path string, found bool) {
	switch {
	case n.object != nil:
		for _, key := range n.keys() {
			if rest, found := firstNull(n.object[key]); found {
				return join(key, rest), true
			}
		}
	case n.isList:
		for i, c := range n.list {
			if rest, found := firstNull(c); found {
				return join(fmt.Sprintf("[%d]", i), rest), true
			}
		}
	default:
		return "", n.scalar == nil
	}
	return "", false
}

func join(part, rest string) string {
	if rest == "" || rest[0] == '[' {
		return part + rest
	}
	return part + "." + rest
}

// slashes is a path as CloudFormation writes it: /Outputs/Url/Value.
func slashes(path string) string { return "/" + strings.ReplaceAll(path, ".", "/") }

func alphanumeric(s string) bool {
	for _, c := range s {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return s != ""
}
