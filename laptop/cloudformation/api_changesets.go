package cloudformation

import (
	"context"
	"fmt"
)

func (s *Service) describeChangeSet(_ context.Context, f form) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, cs, err := s.changeSetFor(f)
	if err != nil {
		return nil, err
	}
	x := changeSetXML{
		ChangeSetName: cs.Name, ChangeSetID: cs.ID, StackID: st.ID, StackName: st.Name, Description: cs.Description,
		Parameters: parametersXML(cs.Goal.Parameters), CreationTime: stampOf(cs.Created),
		ExecutionStatus: cs.Execution, Status: cs.Status, StatusReason: cs.Reason,
		NotificationARNs: cs.Goal.NotificationARNs, Capabilities: cs.Goal.Capabilities, Tags: cs.Goal.Tags,
		OnStackFailure: cs.OnFailure,
	}
	for _, c := range cs.Changes {
		x.Changes = append(x.Changes, c.xml(f.bool("IncludePropertyValues")))
	}
	return x, nil
}

// changeSetXML is
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
type changeSetXML struct {
	ChangeSetName         string
	ChangeSetID           string `xml:"ChangeSetId"`
	StackID               string `xml:"StackId"`
	StackName             string
	Description           string         `xml:",omitempty"`
	Parameters            []parameterXML `xml:"Parameters>member"`
	CreationTime          *stamp
	ExecutionStatus       string
	Status                string
	StatusReason          string      `xml:",omitempty"`
	NotificationARNs      []string    `xml:"NotificationARNs>member"`
	Capabilities          []string    `xml:"Capabilities>member"`
	Tags                  []tag       `xml:"Tags>member"`
	Changes               []changeXML `xml:"Changes>member"`
	OnStackFailure        string      `xml:",omitempty"`
	IncludeNestedStacks   bool        `xml:"IncludeNestedStacks"`
	RollbackConfiguration struct{}
}

func (s *Service) listChangeSets(_ context.Context, f form) (any, error) {
	type summary struct {
		StackID             string `xml:"StackId"`
		StackName           string
		ChangeSetID         string `xml:"ChangeSetId"`
		ChangeSetName       string
		ExecutionStatus     string
		Status              string
		StatusReason        string `xml:",omitempty"`
		CreationTime        *stamp
		Description         string `xml:",omitempty"`
		IncludeNestedStacks bool
	}
	var r struct {
		Summaries []summary `xml:"Summaries>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, err := s.stackFor(f, noStack)
	if err != nil {
		return nil, err
	}
	for _, cs := range st.changeSets {
		r.Summaries = append(r.Summaries, summary{
			st.ID, st.Name, cs.ID, cs.Name, cs.Execution, cs.Status, cs.Reason, stampOf(cs.Created), cs.Description, false,
		})
	}
	return r, nil
}

// changeXML is https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Change.html
type changeXML struct {
	Type           string
	ResourceChange resourceChangeXML
}

type resourceChangeXML struct {
	PolicyAction       string `xml:",omitempty"`
	Action             string
	LogicalResourceID  string `xml:"LogicalResourceId"`
	PhysicalResourceID string `xml:"PhysicalResourceId,omitempty"`
	ResourceType       string
	Replacement        string      `xml:",omitempty"`
	Scope              []string    `xml:"Scope>member"`
	Details            []detailXML `xml:"Details>member"`
	BeforeContext      string      `xml:",omitempty"`
	AfterContext       string      `xml:",omitempty"`
}

type detailXML struct {
	Target        targetXML
	Evaluation    string
	ChangeSource  string
	CausingEntity string `xml:",omitempty"`
}

type targetXML struct {
	Attribute           string
	Name                string `xml:",omitempty"`
	RequiresRecreation  string
	Path                string `xml:",omitempty"`
	BeforeValue         string `xml:",omitempty"`
	AfterValue          string `xml:",omitempty"`
	AttributeChangeType string `xml:",omitempty"`
}

func (c *change) xml(values bool) changeXML {
	x := resourceChangeXML{
		PolicyAction: c.PolicyAction, Action: c.Action, LogicalResourceID: c.LogicalID, PhysicalResourceID: c.PhysicalID,
		ResourceType: c.Type, Replacement: c.Replacement, Scope: c.Scope,
	}
	if values {
		x.BeforeContext, x.AfterContext = contextOf(c.Before), contextOf(c.After)
	}
	for _, d := range c.Details {
		t := targetXML{Attribute: d.Attribute, Name: d.Name, RequiresRecreation: d.RequiresRecreation}
		if values {
			t.BeforeValue, t.AfterValue, t.AttributeChangeType = d.Before, d.After, d.ChangeType
			t.Path = "/" + d.Attribute
			if d.Name != "" {
				t.Path += "/" + d.Name
			}
		}
		x.Details = append(x.Details, detailXML{t, d.Evaluation, d.ChangeSource, d.CausingEntity})
	}
	return changeXML{Type: "Resource", ResourceChange: x}
}

// contextOf is a resource before or after a change, as JSON.
func contextOf(properties string) string {
	if properties == "" {
		return ""
	}
	return fmt.Sprintf(`{"Properties":%s}`, properties)
}
