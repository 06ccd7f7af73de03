package cloudformation

import (
	"encoding/json"
	"fmt"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// plan is a goal, read and resolved as far as that goes before any resource is made.
type plan struct {
	goal    goal
	t       *parse.Template
	graph   *eval.Graph
	scope   eval.Scope // its Resources are set by who evaluates
	shown   map[string]any
	address func(string) string // Config.Address
}

// newPlan reads the template of g for a stack.
func (s *Service) newPlan(name, id string, g goal) (*plan, error) {
	t, err := parse.Parse([]byte(g.Template))
	if err != nil {
		return nil, err
	}
	p := &plan{goal: g, t: t, address: s.config.Address, shown: make(map[string]any, len(g.Parameters))}
	p.scope = eval.Scope{
		Template:   t,
		Parameters: make(map[string]any, len(g.Parameters)),
		Pseudo: eval.Pseudo{
			StackName: name, StackID: id, Region: s.config.Region, AccountID: s.config.Account,
			NotificationARNs: g.NotificationARNs,
		},
		Imports: imports{s},
	}
	for _, param := range g.Parameters {
		p.scope.Parameters[param.Key] = param.Resolved
		p.shown[param.Key] = param.Resolved
		if param.NoEcho {
			p.shown[param.Key] = "****"
		}
	}
	if p.scope.Conditions, err = eval.Conditions(&p.scope); err != nil {
		return nil, err
	}
	p.graph, err = eval.NewGraph(t, p.scope.Conditions)
	return p, err
}

// properties resolves the properties of a resource against resources, and how they may be shown.
func (p *plan) properties(id string, resources eval.Resources) (values, string, error) {
	scope := p.scope
	scope.Resources = resources
	got, err := scope.Properties(id)
	if err != nil {
		return nil, "", err
	}
	props, err := normal(got)
	if err != nil {
		return nil, "", err
	}
	scope.Parameters = p.shown
	masked, err := scope.Properties(id)
	if err != nil {
		// A masked number may not suit a function that the number itself suits.
		masked = map[string]any{}
	}
	shown, err := json.Marshal(masked)
	return props, string(shown), err
}

// make starts the record of a physical resource for id, with a token of its own.
func (p *plan) make(id string, props values, shown string) *made {
	m := &made{Type: p.t.Resources[id].Type, Token: awsproto.NewID(), Properties: props, Shown: shown, Making: true}
	p.describe(id, m)
	return m
}

// describe sets what the template says of a resource beside its properties.
func (p *plan) describe(id string, m *made) {
	r := p.t.Resources[id]
	m.Needs = p.graph.Needs(id)
	m.DeletionPolicy, m.UpdateReplacePolicy = r.DeletionPolicy, r.UpdateReplacePolicy
	m.Rest = rest(r)
}

func rest(r cfn.Resource) string {
	if len(r.Metadata) == 0 {
		return ""
	}
	// It came out of JSON or YAML, and goes back into it.
	data, _ := json.Marshal(r.Metadata)
	return string(data)
}

// outputs resolves the outputs whose condition holds, in the order of their names.
func (p *plan) outputs(resources eval.Resources) ([]output, error) {
	scope := p.scope
	scope.Resources = resources
	text := func(path string, v any) (string, error) {
		got, err := scope.Value(path, v)
		if err != nil {
			return "", err
		}
		switch got := got.(type) {
		case string:
			return got, nil
		case json.Number, bool:
			return fmt.Sprint(got), nil
		case eval.Marker:
			return string(got), nil
		}
		return "", p.t.Errorf(path, "Template format error: The Value field of every Outputs member must evaluate to a String.")
	}
	outputs := []output{}
	for _, id := range sortedKeys(p.t.Outputs) {
		o := p.t.Outputs[id]
		if !eval.Holds(o.Condition, scope.Conditions) {
			continue
		}
		value, err := text("Outputs."+id+".Value", o.Value)
		if err != nil {
			return nil, err
		}
		out := output{Key: id, Value: p.address(value), Description: o.Description}
		if o.Export != nil {
			if out.Export, err = text("Outputs."+id+".Export.Name", o.Export.Name); err != nil {
				return nil, err
			}
			if out.Export == "" {
				return nil, p.t.Errorf("Outputs."+id+".Export.Name", "Template format error: Output %s is malformed. The Name field of every Export member must be specified", id)
			}
		}
		outputs = append(outputs, out)
	}
	return outputs, nil
}
