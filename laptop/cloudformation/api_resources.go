package cloudformation

import (
	"context"
	"slices"
)

// eventsPage is how many events one answer has, so that whoever follows a large stack is not told all of it
// each time.
const eventsPage = 100

// describeStackEvents is
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
func (s *Service) describeStackEvents(_ context.Context, f form) (any, error) {
	type event struct {
		StackID              string `xml:"StackId"`
		EventID              string `xml:"EventId"`
		StackName            string
		LogicalResourceID    string `xml:"LogicalResourceId"`
		PhysicalResourceID   string `xml:"PhysicalResourceId"`
		ResourceType         string
		Timestamp            *stamp
		ResourceStatus       string
		ResourceStatusReason string `xml:",omitempty"`
		ResourceProperties   string `xml:",omitempty"`
		ClientRequestToken   string `xml:",omitempty"`
	}
	var r struct {
		Events    []event `xml:"StackEvents>member"`
		NextToken string  `xml:",omitempty"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, err := s.stackFor(f, noStack)
	if err != nil {
		return nil, err
	}
	// Newest first. The token is the ID of the last event told: more may come, and the oldest may go.
	events := st.events
	if token := f.get("NextToken"); token != "" {
		i := slices.IndexFunc(events, func(e Event) bool { return e.ID == token })
		if i < 0 {
			return nil, invalid("NextToken %s is not known: ask for the first page again", token)
		}
		events = events[:i]
	}
	if over := len(events) - eventsPage; over > 0 {
		events, r.NextToken = events[over:], events[over].ID
	}
	for _, e := range slices.Backward(events) {
		r.Events = append(r.Events, event{
			e.StackID, e.ID, e.StackName, e.LogicalID, e.PhysicalID, e.Type, stampOf(e.Time), e.Status, e.Reason, e.Properties, e.Token,
		})
	}
	return r, nil
}

// resourceXML is a resource in each of the three forms in which CloudFormation tells one; they
// differ in the names of the time and in what is left out.
type resourceXML struct {
	StackName            string `xml:",omitempty"`
	StackID              string `xml:"StackId,omitempty"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId,omitempty"`
	ResourceType         string
	Timestamp            *stamp `xml:",omitempty"`
	LastUpdatedTimestamp *stamp `xml:",omitempty"`
	ResourceStatus       string
	ResourceStatusReason string `xml:",omitempty"`
	Metadata             string `xml:",omitempty"`
	DriftInformation     resourceDriftXML
}

func (r *resource) xml(st *stack) resourceXML {
	x := resourceXML{
		StackName: st.Name, StackID: st.ID, LogicalResourceID: r.LogicalID, ResourceType: r.Type,
		Timestamp: stampOf(r.Time), ResourceStatus: r.Status, ResourceStatusReason: r.Reason,
		DriftInformation: resourceDriftXML{"NOT_CHECKED"},
	}
	if r.Now != nil {
		x.PhysicalResourceID = r.Now.PhysicalID
	}
	return x
}

func (s *Service) describeStackResource(_ context.Context, f form) (any, error) {
	type result struct {
		Detail resourceXML `xml:"StackResourceDetail"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, err := s.stackFor(f, noStack)
	if err != nil {
		return nil, err
	}
	r := st.resources[f.get("LogicalResourceId")]
	if r == nil {
		return nil, invalid("Resource %s does not exist for stack %s", f.get("LogicalResourceId"), st.Name)
	}
	x := r.xml(st)
	x.LastUpdatedTimestamp, x.Timestamp = x.Timestamp, nil
	if r.Now != nil {
		x.Metadata = r.Now.Rest
	}
	return result{x}, nil
}

func (s *Service) describeStackResources(_ context.Context, f form) (any, error) {
	var out struct {
		Resources []resourceXML `xml:"StackResources>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	physical := f.get("PhysicalResourceId")
	var st *stack
	if physical != "" && f.get("StackName") == "" {
		if st = s.stackOf(physical); st == nil {
			return nil, invalid("Stack for %s does not exist", physical)
		}
	} else {
		var err error
		if st, err = s.stackFor(f, noStackID); err != nil {
			return nil, err
		}
	}
	logical := f.get("LogicalResourceId")
	for _, id := range st.logicalIDs() {
		if logical == "" || logical == id {
			out.Resources = append(out.Resources, st.resources[id].xml(st))
		}
	}
	return out, nil
}

// stackOf is the stack that a physical resource belongs to. s.mu is held.
func (s *Service) stackOf(physicalID string) *stack {
	for _, st := range s.stacks {
		for _, r := range st.resources {
			if r.Now != nil && r.Now.PhysicalID == physicalID {
				return st
			}
		}
	}
	return nil
}

func (s *Service) listStackResources(_ context.Context, f form) (any, error) {
	var out struct {
		Summaries []resourceXML `xml:"StackResourceSummaries>member"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, err := s.stackFor(f, noStackID)
	if err != nil {
		return nil, err
	}
	for _, id := range st.logicalIDs() {
		x := st.resources[id].xml(st)
		x.StackID, x.StackName = "", ""
		x.LastUpdatedTimestamp, x.Timestamp = x.Timestamp, nil
		out.Summaries = append(out.Summaries, x)
	}
	return out, nil
}
