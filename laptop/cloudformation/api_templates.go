package cloudformation

import (
	"context"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
)

func (s *Service) getTemplate(_ context.Context, f form) (any, error) {
	type result struct {
		TemplateBody    string
		StagesAvailable []string `xml:"StagesAvailable>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	stages := []string{"Original", "Processed"}
	if f.get("ChangeSetName") != "" {
		_, cs, err := s.changeSetFor(f)
		if err != nil {
			return nil, err
		}
		return result{cs.Goal.Template, stages}, nil
	}
	st, err := s.stackFor(f, noStackID)
	if err != nil {
		return nil, err
	}
	return result{st.Goal.Template, stages}, nil
}

// summarized reads and checks the template that a call gives, or that of the stack it names.
func (s *Service) summarized(ctx context.Context, f form) (*parse.Template, error) {
	var text string
	if name := f.get("StackName"); name != "" {
		s.mu.RLock()
		st, err := s.stackFor(f, noStackID)
		if err == nil {
			text = st.Goal.Template
		}
		s.mu.RUnlock()
		if err != nil {
			return nil, err
		}
	} else {
		var err error
		if text, err = s.templateText(ctx, f, nil); err != nil {
			return nil, err
		}
	}
	t, err := parse.Parse([]byte(text))
	if err == nil {
		err = s.check(t)
	}
	return t, err
}

type declarationXML struct {
	ParameterKey         string
	DefaultValue         string `xml:",omitempty"`
	ParameterType        string `xml:",omitempty"`
	NoEcho               bool   `xml:"NoEcho"`
	Description          string `xml:",omitempty"`
	ParameterConstraints *struct {
		AllowedValues []string `xml:"AllowedValues>member"`
	} `xml:",omitempty"`
}

// declarations are the parameters of a template; a validation leaves their types out.
func declarations(t *parse.Template, types bool) []declarationXML {
	var out []declarationXML
	for _, key := range sortedKeys(t.Parameters) {
		p := t.Parameters[key]
		x := declarationXML{ParameterKey: key, NoEcho: p.NoEcho, Description: p.Description}
		if p.Default != nil && !p.NoEcho {
			x.DefaultValue = plain(p.Default)
		}
		if types {
			x.ParameterType = p.Type
			if len(p.AllowedValues) > 0 {
				x.ParameterConstraints = &struct {
					AllowedValues []string `xml:"AllowedValues>member"`
				}{}
				for _, v := range p.AllowedValues {
					x.ParameterConstraints.AllowedValues = append(x.ParameterConstraints.AllowedValues, plain(v))
				}
			}
		}
		out = append(out, x)
	}
	return out
}

func capabilitiesOf(t *parse.Template) (list []string, reason string) {
	capability, reason := requires(t)
	if capability != "" {
		list = append(list, capability)
	}
	if len(t.Transform) > 0 {
		list = append(list, autoExpand)
	}
	return list, reason
}

func (s *Service) validateTemplate(ctx context.Context, f form) (any, error) {
	type result struct {
		Parameters         []declarationXML `xml:"Parameters>member"`
		Description        string           `xml:",omitempty"`
		Capabilities       []string         `xml:"Capabilities>member"`
		CapabilitiesReason string           `xml:",omitempty"`
		DeclaredTransforms []string         `xml:"DeclaredTransforms>member"`
	}
	t, err := s.summarized(ctx, f)
	if err != nil {
		return nil, err
	}
	// Cycles show once conditions are taken out of the way: with all of them true.
	all := map[string]bool{}
	for name := range t.Conditions {
		all[name] = true
	}
	if _, err := eval.NewGraph(t, all); err != nil {
		return nil, err
	}
	capabilities, reason := capabilitiesOf(t)
	return result{declarations(t, false), t.Description, capabilities, reason, t.Transform}, nil
}

func (s *Service) getTemplateSummary(ctx context.Context, f form) (any, error) {
	type result struct {
		Parameters         []declarationXML `xml:"Parameters>member"`
		Description        string           `xml:",omitempty"`
		Capabilities       []string         `xml:"Capabilities>member"`
		CapabilitiesReason string           `xml:",omitempty"`
		ResourceTypes      []string         `xml:"ResourceTypes>member"`
		Version            string
		DeclaredTransforms []string `xml:"DeclaredTransforms>member"`
	}
	t, err := s.summarized(ctx, f)
	if err != nil {
		return nil, err
	}
	kinds := map[string]bool{}
	for _, r := range t.Resources {
		kinds[r.Type] = true
	}
	capabilities, reason := capabilitiesOf(t)
	return result{declarations(t, true), t.Description, capabilities, reason, sortedKeys(kinds), cfn.FormatVersion, t.Transform}, nil
}
