package parse

import (
	"encoding/json"

	"github.com/ephor-io/ephor/cfn"
)

// parameters reads the Parameters section. Defaults and allowed values come out as strings, as
// parameters are; the bounds as json.Number.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func (b *builder) parameters() error {
	members, err := b.members("Parameters")
	if err != nil || members == nil {
		return err
	}
	b.t.Parameters = make(map[string]cfn.Parameter, len(members))
	for _, id := range b.t.root.object["Parameters"].keys() {
		path, n := "Parameters."+id, members[id]
		if !alphanumeric(id) {
			return b.t.Errorf(path, "Template format error: Parameter name %s is non alphanumeric.", id)
		}
		var p cfn.Parameter
		for _, key := range n.keys() {
			if err := b.parameterMember(&p, n, path, key); err != nil {
				return err
			}
		}
		if p.Type == "" {
			return b.t.Errorf(path, "Template format error: Every Parameters object must contain a Type member.")
		}
		b.t.Parameters[id] = p
	}
	return nil
}

func (b *builder) parameterMember(p *cfn.Parameter, n *node, path, key string) error {
	c, at := n.object[key], path+"."+key
	switch key {
	case "Type":
		return b.text(n, path, key, &p.Type)
	case "Description":
		return b.text(n, path, key, &p.Description)
	case "ConstraintDescription":
		return b.text(n, path, key, &p.ConstraintDescription)
	case "AllowedPattern":
		return b.text(n, path, key, &p.AllowedPattern)
	case "Default":
		s, ok := asText(c)
		if !ok {
			return b.t.Errorf(at, "Template format error: Every Default member must be a string.")
		}
		p.Default = s
	case "AllowedValues":
		if !c.isList {
			return b.t.Errorf(at, "Template format error: Every AllowedValues member must be a list.")
		}
		for _, v := range c.list {
			s, ok := asText(v)
			if !ok {
				return b.t.Errorf(at, "Template format error: Every AllowedValues value must be a string.")
			}
			p.AllowedValues = append(p.AllowedValues, s)
		}
	case "NoEcho":
		s, _ := asText(c)
		if s != "true" && s != "false" {
			return b.t.Errorf(at, "Template format error: Every NoEcho member must be a boolean.")
		}
		p.NoEcho = s == "true"
	case "MinLength":
		return b.number(c, at, &p.MinLength)
	case "MaxLength":
		return b.number(c, at, &p.MaxLength)
	case "MinValue":
		return b.number(c, at, &p.MinValue)
	case "MaxValue":
		return b.number(c, at, &p.MaxValue)
	default:
		return b.t.Errorf(at, "Invalid template parameter property '%s'", key)
	}
	return nil
}

func (b *builder) number(n *node, path string, into *any) error {
	s, _ := asText(n)
	if !jsonNumber.MatchString(s) {
		return b.t.Errorf(path, "Template format error: [%s] must be a number.", slashes(path))
	}
	*into = json.Number(s)
	return nil
}
