package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// validate checks the properties of a resource against its type.
func (s *Service) validate(id string, m *made) error {
	provider := s.providers[m.Type]
	if provider == nil {
		return wordsf("Template format error: Unrecognized resource types: [%s]", m.Type)
	}
	schema := provider.Schema()
	published, isPublished := s.published[m.Type]
	var wrong []string
	if isPublished {
		wrong = published.wrong(m.Properties)
	}
	for _, name := range sortedKeys(m.Properties) {
		switch {
		case slices.Contains(schema.Properties, name):
		case published.Has(name):
			wrong = append(wrong, fmt.Sprintf("#: key [%s] of %s is not supported on this machine", name, m.Type))
		case !isPublished:
			wrong = append(wrong, fmt.Sprintf("#: extraneous key [%s] is not permitted", name))
		}
	}
	for _, name := range schema.Required {
		if _, ok := m.Properties[name]; !ok && !slices.Contains(published.Required, name) {
			wrong = append(wrong, fmt.Sprintf("#: required key [%s] not found", name))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return wordsf("Properties validation failed for resource %s with message:\n[%s]", id, strings.Join(wrong, ", "))
}

// check finds what is wrong with a template for this service, whatever its parameters are.
func (s *Service) check(t *parse.Template) error {
	if err := eval.Check(t); err != nil {
		return err
	}
	var strange, where []string
	for _, id := range sortedKeys(t.Resources) {
		if r := t.Resources[id]; s.providers[r.Type] == nil {
			strange, where = append(strange, r.Type), append(where, "Resources."+id+".Type")
		}
	}
	if len(strange) > 0 {
		slices.Sort(strange)
		return t.Errorf(where[0], "Template format error: Unrecognized resource types: [%s]", strings.Join(slices.Compact(strange), ", "))
	}
	for _, id := range sortedKeys(t.Resources) {
		if err := s.checkResource(t, id, t.Resources[id]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkResource(t *parse.Template, id string, r cfn.Resource) error {
	path := "Resources." + id
	if err := checkCreationPolicy(t, id); err != nil {
		return err
	}
	if r.UpdatePolicy != nil {
		return t.Errorf(path+".UpdatePolicy", "UpdatePolicy is not supported here")
	}
	switch r.DeletionPolicy {
	case "", "Delete", "Retain", "RetainExceptOnCreate":
	case "Snapshot":
		return s.noSnapshot(t, id, "DeletionPolicy", "deletion policy")
	default:
		return t.Errorf(path+".DeletionPolicy", "Template format error: Unrecognized DeletionPolicy %s for resource %s", r.DeletionPolicy, id)
	}
	switch r.UpdateReplacePolicy {
	case "", "Delete", "Retain":
	case "Snapshot":
		return s.noSnapshot(t, id, "UpdateReplacePolicy", "update replace policy")
	default:
		return t.Errorf(path+".UpdateReplacePolicy", "Template format error: Unrecognized UpdateReplacePolicy %s for resource %s", r.UpdateReplacePolicy, id)
	}
	return nil
}

// noSnapshot refuses the policy Snapshot, which of the types here AWS::EC2::Volume alone has on AWS.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func (s *Service) noSnapshot(t *parse.Template, id, attribute, name string) error {
	kind, path := t.Resources[id].Type, "Resources."+id+"."+attribute
	if kind == "AWS::EC2::Volume" {
		return t.Errorf(path, "there are no snapshots on this machine: %s Snapshot of %s is not supported", name, kind)
	}
	return t.Errorf(path, "Template error: resource type %s does not support %s Snapshot", kind, name)
}

// checkAttributes checks that the attributes exist which a template reads, in resources and
// outputs whose condition holds.
func (s *Service) checkAttributes(p *plan) error {
	check := func(path string, v any) error {
		uses, err := p.scope.Uses(path, v)
		for _, u := range uses {
			if u.Attribute == "" {
				continue
			}
			kind := p.t.Resources[u.Resource].Type
			if !slices.Contains(s.providers[kind].Schema().Attributes, u.Attribute) {
				if slices.Contains(s.published[kind].Attributes, u.Attribute) {
					return p.t.Errorf(path, "attribute %s of %s is not supported on this machine", u.Attribute, kind)
				}
				return p.t.Errorf(path, "Template error: resource %s does not support attribute type %s in Fn::GetAtt", u.Resource, u.Attribute)
			}
		}
		return err
	}
	for _, id := range p.graph.Order() {
		if err := check("Resources."+id+".Properties", any(p.t.Resources[id].Properties)); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(p.t.Outputs) {
		if o := p.t.Outputs[id]; eval.Holds(o.Condition, p.scope.Conditions) {
			if err := check("Outputs."+id+".Value", o.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

const autoExpand = "CAPABILITY_AUTO_EXPAND"

// iamNames are the types that need CAPABILITY_IAM, and the property with which they need
// CAPABILITY_NAMED_IAM.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
func iamNames() map[string]string {
	return map[string]string{
		"AWS::IAM::AccessKey":           "",
		"AWS::IAM::Group":               "GroupName",
		"AWS::IAM::InstanceProfile":     "InstanceProfileName",
		"AWS::IAM::ManagedPolicy":       "ManagedPolicyName",
		"AWS::IAM::Policy":              "",
		"AWS::IAM::Role":                "RoleName",
		"AWS::IAM::User":                "UserName",
		"AWS::IAM::UserToGroupAddition": "",
	}
}

// requires are the capabilities that a template needs, and why.
func requires(t *parse.Template) (capability, reason string) {
	names := iamNames()
	kinds := map[string]bool{}
	for _, r := range t.Resources {
		property, isIAM := names[r.Type]
		if !isIAM {
			continue
		}
		kinds[r.Type] = true
		if _, named := r.Properties[property]; named && property != "" {
			capability = "CAPABILITY_NAMED_IAM"
		} else if capability == "" {
			capability = "CAPABILITY_IAM"
		}
	}
	if capability == "" {
		return "", ""
	}
	return capability, fmt.Sprintf("The following resource(s) require capabilities: [%s]", strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
}

// checkCapabilities refuses a template that needs a capability which was not acknowledged.
// CAPABILITY_NAMED_IAM includes CAPABILITY_IAM. A transform needs CAPABILITY_AUTO_EXPAND, but not in a
// change set, where one sees what it makes.
func checkCapabilities(t *parse.Template, given []string, changeSet bool) error {
	if len(t.Transform) > 0 && !changeSet && !slices.Contains(given, autoExpand) {
		return awsproto.Errorf("InsufficientCapabilitiesException", "Requires capabilities : [%s]", autoExpand)
	}
	needed, _ := requires(t)
	if needed == "" || slices.Contains(given, needed) || slices.Contains(given, "CAPABILITY_NAMED_IAM") {
		return nil
	}
	return awsproto.Errorf("InsufficientCapabilitiesException", "Requires capabilities : [%s]", needed)
}
