package cloudformation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// stack is one stack, deleted ones too.
type stack struct {
	record
	resources  map[string]*resource
	changeSets []*changeSet
	events     []Event

	// The operation under way, if any.
	cancel context.CancelFunc
	done   chan struct{}
}

// record is what is known of a stack as a whole.
type record struct {
	Name, ID       string
	Status, Reason string
	Created        time.Time
	Updated        time.Time `json:",omitzero"`
	Deleted        time.Time `json:",omitzero"`

	// Goal is what the stack is, or is to be once the operation under way has finished.
	Goal goal
	// Previous is what it was before the update under way.
	Previous *goal `json:",omitempty"`
	Outputs  []output
	Imports  []string // the names of the exports that it uses

	ChangeSetID     string        `json:",omitempty"` // of the last one executed
	Protected       bool          `json:",omitempty"`
	DisableRollback bool          `json:",omitempty"`
	DeleteOnFailure bool          `json:",omitempty"`
	Timeout         time.Duration `json:",omitempty"` // of the creation; 0 is none
	Token           string        `json:",omitempty"` // the ClientRequestToken of the last operation
}

// goal is what a stack is told to be.
type goal struct {
	Template         string
	Description      string      `json:",omitempty"`
	Parameters       []parameter `json:",omitempty"`
	Tags             []tag       `json:",omitempty"`
	Capabilities     []string    `json:",omitempty"`
	NotificationARNs []string    `json:",omitempty"`
	RoleARN          string      `json:",omitempty"`
}

type parameter struct {
	Key      string
	Value    string
	Resolved any    // a string or a list: what Ref gives
	NoEcho   bool   `json:",omitempty"`
	Store    string `json:",omitempty"` // what Systems Manager told for it, to be shown
}

type tag struct{ Key, Value string }

type output struct {
	Key, Value, Description, Export string
}

// resource is one resource of a stack.
type resource struct {
	LogicalID, Type string
	Status, Reason  string
	Time            time.Time

	// Now is the physical resource; nil if there is none.
	Now *made `json:",omitempty"`
	// Before is what an update under way found, to go back to: under the same token if it was
	// changed in place, under another if it was replaced.
	Before *made `json:",omitempty"`
	// New says that the update under way added the resource.
	New bool `json:",omitempty"`
	// Trash is a physical resource that the clean-up deletes.
	Trash *made `json:",omitempty"`
}

// made is one physical resource.
type made struct {
	Type       string
	Token      string
	PhysicalID string
	Ref        string
	Attributes values
	Properties values // dynamic references unresolved
	Shown      string // Properties as JSON, NoEcho parameters as ****
	Needs      []string
	// Making says that the provider was asked to make it and has not answered yet, so that after
	// a crash it may be there without a physical ID.
	Making bool `json:",omitempty"`

	DeletionPolicy      string `json:",omitempty"`
	UpdateReplacePolicy string `json:",omitempty"`
	// Rest is whatever else the template says of the resource, to see whether it has changed.
	Rest string `json:",omitempty"`
}

// values are JSON values with numbers as json.Number, on disk and in memory alike, so that they
// can be compared.
type values map[string]any

// UnmarshalJSON keeps numbers as they are written.
func (v *values) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode((*map[string]any)(v))
}

// normal is v as it would come back from disk.
func normal(v map[string]any) (values, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a value: %w", err)
	}
	var out values
	return out, out.UnmarshalJSON(data)
}

func (st *stack) live() bool { return st.Status != deleteComplete }

// logicalIDs are all resources, sorted.
func (st *stack) logicalIDs() []string { return slices.Sorted(maps.Keys(st.resources)) }

func (g *goal) tags() map[string]string {
	m := make(map[string]string, len(g.Tags))
	for _, t := range g.Tags {
		m[t.Key] = t.Value
	}
	return m
}

// setStatus records a new status of the stack with its event, which is told even if it cannot be
// written down.
func (s *Service) setStatus(st *stack, status, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setStatusLocked(st, status, reason)
}

func (s *Service) setStatusLocked(st *stack, status, reason string) error {
	st.Status, st.Reason = status, reason
	return errors.Join(s.saveStack(st), s.emit(st, Event{ID: awsproto.NewID(), LogicalID: st.Name, PhysicalID: st.ID, Type: StackType, Status: status, Reason: reason}))
}

// setResource records a new status of a resource with its event. change, if any, is made first,
// under the lock. The disk works without it, so that resources in parallel share its syncs: one
// resource has one goroutine at a time, which alone changes what r points to.
func (s *Service) setResource(st *stack, r *resource, status, reason string, change func()) error {
	s.mu.Lock()
	if change != nil {
		change()
	}
	r.Status, r.Reason, r.Time = status, reason, s.config.Now()
	now := *r
	s.mu.Unlock()
	err := s.saveResource(st, &now)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.emitResource(st, r, r.Now, status, reason))
}

// emitResource tells an event of a resource, about the physical one in m. s.mu is held.
func (s *Service) emitResource(st *stack, r *resource, m *made, status, reason string) error {
	e := Event{LogicalID: r.LogicalID, Type: r.Type, Status: status, Reason: reason}
	if m != nil {
		e.PhysicalID, e.Properties = m.PhysicalID, m.Shown
	}
	e.ID = st.eventID(r.LogicalID+"-"+status, s.config.Now())
	return s.emit(st, e)
}

// eventID names an event as CloudFormation does, by a millisecond: of two within one the second has the next.
func (st *stack) eventID(what string, at time.Time) string {
	const format = "2006-01-02T15:04:05.000Z"
	recent := at.Add(-50 * time.Millisecond)
	for {
		id, taken := what+"-"+at.UTC().Format(format), false
		for _, e := range slices.Backward(st.events) {
			if taken = e.ID == id; taken || e.Time.Before(recent) {
				break
			}
		}
		if !taken {
			return id
		}
		at = at.Add(time.Millisecond)
	}
}

// emit appends an event. s.mu is held.
func (s *Service) emit(st *stack, e Event) error {
	e.StackName, e.StackID, e.Token, e.Time = st.Name, st.ID, st.Token, s.config.Now()
	if len(st.events) >= maxEvents {
		st.events = slices.Clone(st.events[maxEvents/10:])
	}
	st.events = append(st.events, e)
	err := s.appendEvent(st, e)
	if s.config.Events != nil {
		s.config.Events(e)
	}
	return err
}
