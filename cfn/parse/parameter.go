package parse

import (
	"encoding/json"

	"github.com/ephor-io/ephor/cfn"
)

// parameters reads the Parameters section. Defaults and allowed values come out as strings, as
// parameters are; the bounds as json.Number.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func (b *builder) parameters() (err error) {
	b.t.Parameters, err = members(b, "Parameters", "Parameter", b.parameterPart, func(p *cfn.Parameter, _, path string) error {
		if p.Type == "" {
			return b.t.Errorf(path, "Template format error: Every Parameters object must contain a Type member.")
		}
		return nil
	})
	return err
}

func (b *builder) parameterPart(p *cfn.Parameter, n *node, path, key string) error {
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
		s, ok := Text(c.scalar)
		if !ok {
			return b.t.Errorf(at, "Template format error: Every Default member must be a string.")
		}
		p.Default = s
	case "AllowedValues":
		if !c.isList {
			return b.t.Errorf(at, "Template format error: Every AllowedValues member must be a list.")
		}
		for _, v := range c.list {
			s, ok := Text(v.scalar)
			if !ok {
				return b.t.Errorf(at, "Template format error: Every AllowedValues value must be a string.")
			}
			p.AllowedValues = append(p.AllowedValues, s)
		}
	case "NoEcho":
		s, _ := Text(c.scalar)
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
	s, _ := Text(n.scalar)
	if !jsonNumber.MatchString(s) {
		return b.t.Errorf(path, "Template format error: [%s] must be a number.", slashes(path))
	}
	*into = json.Number(s)
	return nil
}
