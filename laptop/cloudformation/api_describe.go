package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"
)

// stamp is a time as the query protocol writes it.
type stamp time.Time

// MarshalText writes milliseconds, as CloudFormation does.
func (t stamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

func stampOf(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

type parameterXML struct {
	ParameterKey   string
	ParameterValue string
	ResolvedValue  string `xml:",omitempty"`
}

func parametersXML(list []parameter) []parameterXML {
	var out []parameterXML
	for _, p := range list {
		x := parameterXML{p.Key, p.Value, p.Store}
		if p.NoEcho {
			x.ParameterValue, x.ResolvedValue = "****", ""
		}
		out = append(out, x)
	}
	return out
}

type outputXML struct {
	OutputKey   string
	OutputValue string
	Description string `xml:",omitempty"`
	ExportName  string `xml:",omitempty"`
}

type driftXML struct {
	StackDriftStatus string
}

type resourceDriftXML struct {
	StackResourceDriftStatus string
}

// stackXML is https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
type stackXML struct {
	StackID                     string `xml:"StackId"`
	StackName                   string
	ChangeSetID                 string `xml:"ChangeSetId,omitempty"`
	Description                 string `xml:",omitempty"`
	CreationTime                *stamp
	LastUpdatedTime             *stamp         `xml:",omitempty"`
	DeletionTime                *stamp         `xml:",omitempty"`
	Parameters                  []parameterXML `xml:"Parameters>member"`
	Outputs                     []outputXML    `xml:"Outputs>member"`
	StackStatus                 string
	StackStatusReason           string   `xml:",omitempty"`
	DisableRollback             bool     `xml:"DisableRollback"`
	EnableTerminationProtection bool     `xml:"EnableTerminationProtection"`
	TimeoutInMinutes            int      `xml:",omitempty"`
	Capabilities                []string `xml:"Capabilities>member"`
	NotificationARNs            []string `xml:"NotificationARNs>member"`
	RoleARN                     string   `xml:",omitempty"`
	Tags                        []tag    `xml:"Tags>member"`
	DriftInformation            driftXML
	RollbackConfiguration       struct{}
}

func (st *stack) xml() stackXML {
	x := stackXML{
		StackID: st.ID, StackName: st.Name, ChangeSetID: st.ChangeSetID, Description: st.Goal.Description,
		CreationTime: stampOf(st.Created), LastUpdatedTime: stampOf(st.Updated), DeletionTime: stampOf(st.Deleted),
		Parameters: parametersXML(st.Goal.Parameters), StackStatus: st.Status, StackStatusReason: st.Reason,
		DisableRollback: st.DisableRollback, EnableTerminationProtection: st.Protected,
		TimeoutInMinutes: int(st.Timeout / time.Minute),
		Capabilities:     st.Goal.Capabilities, NotificationARNs: st.Goal.NotificationARNs, RoleARN: st.Goal.RoleARN,
		Tags: st.Goal.Tags, DriftInformation: driftXML{"NOT_CHECKED"},
	}
	for _, o := range st.Outputs {
		x.Outputs = append(x.Outputs, outputXML{o.Key, o.Value, o.Description, o.Export})
	}
	return x
}

// sorted are the stacks that keep, newest first. s.mu is held.
func (s *Service) sorted(keep func(*stack) bool) []*stack {
	var list []*stack
	for _, st := range s.stacks {
		if keep(st) {
			list = append(list, st)
		}
	}
	slices.SortFunc(list, func(a, b *stack) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func (s *Service) describeStacks(_ context.Context, f form) (any, error) {
	type result struct {
		Stacks []stackXML `xml:"Stacks>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := s.sorted((*stack).live)
	if f.get("StackName") != "" {
		st, err := s.stackFor(f, noStackID)
		if err != nil {
			return nil, err
		}
		list = []*stack{st}
	}
	var r result
	for _, st := range list {
		r.Stacks = append(r.Stacks, st.xml())
	}
	return r, nil
}

func (s *Service) listStacks(_ context.Context, f form) (any, error) {
	type summary struct {
		StackID             string `xml:"StackId"`
		StackName           string
		TemplateDescription string `xml:",omitempty"`
		CreationTime        *stamp
		LastUpdatedTime     *stamp `xml:",omitempty"`
		DeletionTime        *stamp `xml:",omitempty"`
		StackStatus         string
		StackStatusReason   string `xml:",omitempty"`
		DriftInformation    driftXML
	}
	var r struct {
		Summaries []summary `xml:"StackSummaries>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	filter := f.strings("StackStatusFilter")
	for _, st := range s.sorted(func(st *stack) bool { return len(filter) == 0 || slices.Contains(filter, st.Status) }) {
		r.Summaries = append(r.Summaries, summary{
			st.ID, st.Name, st.Goal.Description, stampOf(st.Created), stampOf(st.Updated), stampOf(st.Deleted),
			st.Status, st.Reason, driftXML{"NOT_CHECKED"},
		})
	}
	return r, nil
}

func (s *Service) listExports(context.Context, form) (any, error) {
	type export struct {
		ExportingStackID string `xml:"ExportingStackId"`
		Name, Value      string
	}
	var r struct {
		Exports []export `xml:"Exports>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, st := range s.sorted((*stack).live) {
		for _, o := range st.Outputs {
			if o.Export != "" {
				r.Exports = append(r.Exports, export{st.ID, o.Export, o.Value})
			}
		}
	}
	slices.SortFunc(r.Exports, func(a, b export) int { return strings.Compare(a.Name, b.Name) })
	return r, nil
}

func (s *Service) listImports(_ context.Context, f form) (any, error) {
	type result struct {
		Imports []string `xml:"Imports>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	name := f.get("ExportName")
	users := s.importers(name)
	if len(users) == 0 {
		return nil, invalid("Export '%s' is not imported by any stack.", name)
	}
	return result{users}, nil
}
