package cloudformation

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/ephor-io/ephor/cfn/eval"
)

// change is what a change set says of one resource.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
type change struct {
	Action       string // Add, Modify, Remove
	LogicalID    string
	PhysicalID   string
	Type         string
	Replacement  string   // of Modify: True, False, Conditional
	PolicyAction string   // what becomes of the old physical resource
	Scope        []string // Properties, Metadata, DeletionPolicy, UpdateReplacePolicy
	Details      []detail
	Before       string // the properties as JSON, as far as they may be shown
	After        string
}

// detail says of one property why it changes.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
type detail struct {
	Attribute, Name    string
	RequiresRecreation string // recreatesNever, …
	Evaluation         string // Static: the value is known; Dynamic: a resource decides
	ChangeSource       string
	CausingEntity      string
	Before, After      string
	ChangeType         string // Add, Modify, Remove
}

// comparison is a stack held against a plan.
type comparison struct {
	s       *Service
	st      *stack
	p       *plan
	old     []parameter
	strict  bool // the properties must suit their types
	changes map[string]*change
}

// compare says what the plan changes in a stack's resources, and whether it changes its outputs or
// tags beside them. If strict, properties that do not suit their types are an error, as they are
// for a change set; a call without one finds them when it makes the resource.
func (s *Service) compare(st *stack, p *plan, strict bool) (list []change, beside bool, err error) {
	s.mu.RLock()
	c := &comparison{s: s, st: st, p: p, old: st.Goal.Parameters, strict: strict, changes: map[string]*change{}}
	tags, before := st.Goal.Tags, st.Outputs
	s.mu.RUnlock()
	for _, id := range p.graph.Order() {
		ch, err := c.resource(id)
		if err != nil {
			return nil, false, err
		}
		if ch != nil {
			c.changes[id] = ch
			list = append(list, *ch)
		}
	}
	outputs, err := p.outputs(foreseen{c})
	if err != nil {
		return nil, false, err
	}
	beside = !slices.Equal(outputs, before) || !slices.Equal(tags, p.goal.Tags)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range st.logicalIDs() {
		if r := st.resources[id]; r.Now != nil && !p.graph.Has(id) {
			list = append(list, change{
				Action: "Remove", LogicalID: id, PhysicalID: r.Now.PhysicalID, Type: r.Type,
				PolicyAction: policyAction(r.Now.DeletionPolicy, ""), Before: r.Now.Shown,
			})
		}
	}
	return list, beside, nil
}

func policyAction(policy, replace string) string {
	if policy == "Retain" || policy == "RetainExceptOnCreate" {
		return replace + "Retain"
	}
	return replace + "Delete"
}

// foreseen are a stack's resources as they will be: what a change may alter is unknown.
type foreseen struct{ *comparison }

// Ref of a resource changes only with a replacement.
func (f foreseen) Ref(id string) (any, error) {
	if ch := f.changes[id]; ch != nil && (ch.Action == "Add" || ch.Replacement != "False") {
		return eval.Unknown, nil
	}
	return present{f.s, f.st}.Ref(id)
}

// Attribute of a resource may change with any change.
func (f foreseen) Attribute(id, name string) (any, error) {
	if f.changes[id] != nil {
		return eval.Unknown, nil
	}
	return present{f.s, f.st}.Attribute(id, name)
}

func (c *comparison) now(id string) *made {
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if r := c.st.resources[id]; r != nil {
		return r.Now
	}
	return nil
}

func (c *comparison) resource(id string) (*change, error) {
	r := c.p.t.Resources[id]
	props, shown, err := c.p.properties(id, foreseen{c})
	if err != nil {
		return nil, err
	}
	if c.strict {
		if err := c.s.validate(id, &made{Type: r.Type, Properties: props}); err != nil {
			return nil, err
		}
	}
	now := c.now(id)
	if now == nil {
		return &change{Action: "Add", LogicalID: id, Type: r.Type, After: shown}, nil
	}
	if now.Type != r.Type {
		return nil, wordsf("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", id)
	}
	ch := &change{
		Action: "Modify", LogicalID: id, PhysicalID: now.PhysicalID, Type: r.Type,
		Replacement: "False", Before: now.Shown, After: shown,
	}
	if err := c.properties(ch, now, props, shown); err != nil {
		return nil, err
	}
	c.rest(ch, now)
	if len(ch.Scope) == 0 {
		return nil, nil
	}
	if ch.Replacement != "False" {
		ch.PolicyAction = policyAction(now.UpdateReplacePolicy, "ReplaceAnd")
	}
	return ch, nil
}

// properties finds the properties that change and why.
func (c *comparison) properties(ch *change, now *made, props values, shown string) error {
	var before, after map[string]any
	// Both were marshalled here.
	_ = json.Unmarshal([]byte(now.Shown), &before)
	_ = json.Unmarshal([]byte(shown), &after)
	for _, key := range changedKeys(now.Properties, props) {
		d := detail{Attribute: "Properties", Name: key, RequiresRecreation: c.s.recreates(ch.Type, key), ChangeType: "Modify",
			Before: show(before[key]), After: show(after[key])}
		if _, ok := now.Properties[key]; !ok {
			d.ChangeType = "Add"
		}
		if _, ok := props[key]; !ok {
			d.ChangeType = "Remove"
		}
		causes, err := c.causes(ch.LogicalID, key, props[key])
		if err != nil {
			return err
		}
		for _, cause := range causes {
			d.Evaluation, d.ChangeSource, d.CausingEntity = cause.Evaluation, cause.ChangeSource, cause.CausingEntity
			ch.Details = append(ch.Details, d)
		}
		switch {
		case d.RequiresRecreation == recreatesAlways && !eval.HasUnknown(props[key]):
			ch.Replacement = "True"
		case d.RequiresRecreation != recreatesNever && ch.Replacement != "True":
			ch.Replacement = "Conditional"
		}
		if len(ch.Scope) == 0 {
			ch.Scope = []string{"Properties"}
		}
	}
	return nil
}

// causes says what makes a property change: the parameters and resources that it is made of, or
// else that the template says something else.
func (c *comparison) causes(id, key string, value any) ([]detail, error) {
	expression, ok := c.p.t.Resources[id].Properties[key]
	if !ok {
		return []detail{{Evaluation: "Static", ChangeSource: "DirectModification"}}, nil
	}
	uses, err := c.p.scope.Uses("Resources."+id+".Properties."+key, expression)
	if err != nil {
		return nil, err
	}
	var causes []detail
	byParameter := false
	for _, u := range uses {
		ch := c.changes[u.Resource]
		switch {
		case u.Parameter != "" && c.parameterChanged(u.Parameter):
			causes = append(causes, detail{Evaluation: "Static", ChangeSource: "ParameterReference", CausingEntity: u.Parameter})
			byParameter = true
		case ch == nil:
		case u.Attribute != "":
			causes = append(causes, detail{Evaluation: "Dynamic", ChangeSource: "ResourceAttribute", CausingEntity: u.Resource + "." + u.Attribute})
		case ch.Action == "Add" || ch.Replacement != "False":
			causes = append(causes, detail{Evaluation: "Dynamic", ChangeSource: "ResourceReference", CausingEntity: u.Resource})
		}
	}
	switch {
	case byParameter:
		causes = append(causes, detail{Evaluation: "Dynamic", ChangeSource: "DirectModification"})
	case len(causes) == 0 || !eval.HasUnknown(value):
		causes = append(causes, detail{Evaluation: "Static", ChangeSource: "DirectModification"})
	}
	return causes, nil
}

func (c *comparison) parameterChanged(name string) bool {
	for _, old := range c.old {
		if old.Key == name {
			return !reflect.DeepEqual(old.Resolved, c.p.scope.Parameters[name])
		}
	}
	return false
}

// rest finds what changes beside the properties.
func (c *comparison) rest(ch *change, now *made) {
	m := &made{}
	c.p.describe(ch.LogicalID, m)
	for _, part := range []struct {
		name string
		same bool
	}{
		{"Metadata", now.Rest == m.Rest},
		{"DeletionPolicy", now.DeletionPolicy == m.DeletionPolicy},
		{"UpdateReplacePolicy", now.UpdateReplacePolicy == m.UpdateReplacePolicy},
	} {
		if !part.same {
			ch.Scope = append(ch.Scope, part.name)
			ch.Details = append(ch.Details, detail{Attribute: part.name, RequiresRecreation: recreatesNever, Evaluation: "Static", ChangeSource: "DirectModification"})
		}
	}
}

// show is a value as a change set shows it.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	data, _ := json.Marshal(v) // it came out of JSON
	return string(data)
}
