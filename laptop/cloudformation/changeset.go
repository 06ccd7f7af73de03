package cloudformation

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// What may be done with a change set.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
const (
	available         = "AVAILABLE"
	unavailable       = "UNAVAILABLE"
	obsolete          = "OBSOLETE"
	executeInProgress = "EXECUTE_IN_PROGRESS"
	executeComplete   = "EXECUTE_COMPLETE"
	executeFailed     = "EXECUTE_FAILED"
)

// noChanges is the reason of a change set that is empty.
const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// maxChangeSets bounds the change sets of one stack; the oldest go first.
const maxChangeSets = 50

// changeSet is one change set of a stack.
type changeSet struct {
	Name, ID       string
	Description    string `json:",omitempty"`
	Create         bool   `json:",omitempty"` // of the type CREATE
	Created        time.Time
	Status, Reason string
	Execution      string
	OnFailure      string `json:",omitempty"`
	Token          string `json:",omitempty"`
	Goal           goal
	Changes        []change
}

var validChangeSet = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func (s *Service) createChangeSet(ctx context.Context, f form) (any, error) {
	type result struct {
		ID      string `xml:"Id"`
		StackID string `xml:"StackId"`
	}
	name := f.get("ChangeSetName")
	if !validChangeSet.MatchString(name) {
		return nil, invalid("1 validation error detected: Value '%s' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	st, previous, err := s.changeSetStack(f, name)
	if err != nil {
		return nil, err
	}
	g, err := s.newGoal(ctx, f, previous)
	if err != nil {
		return nil, err
	}
	cs := &changeSet{
		Name: name, Description: f.get("Description"), Create: previous == nil, Created: s.config.Now(),
		Status: createComplete, Execution: available, OnFailure: f.get("OnStackFailure"), Token: f.get("ClientToken"), Goal: g,
	}
	cs.ID = fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%s", s.config.Region, s.config.Account, name, awsproto.NewID())
	s.mu.Lock()
	if st == nil {
		st = s.find(f.get("StackName"))
	}
	fresh := st == nil
	if fresh {
		st = s.newStack(f.get("StackName"))
	}
	s.mu.Unlock()
	if err := s.fillChangeSet(st, cs); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fresh && s.find(st.Name) != nil {
		return nil, awsproto.Errorf("AlreadyExistsException", "Stack [%s] already exists", st.Name)
	}
	if same := st.changeSet(name); same != nil {
		if same.Token != "" && same.Token == cs.Token {
			return result{same.ID, st.ID}, nil
		}
		return nil, awsproto.Errorf("AlreadyExistsException", "ChangeSet %s already exists", name)
	}
	st.changeSets = append(st.changeSets, cs)
	if over := len(st.changeSets) - maxChangeSets; over > 0 {
		st.changeSets = slices.Delete(st.changeSets, 0, over)
	}
	if fresh {
		s.stacks[st.ID] = st
		if err := s.setStatusLocked(st, reviewInProgress, "User Initiated"); err != nil {
			return nil, err
		}
	}
	return result{cs.ID, st.ID}, s.saveChangeSets(st)
}

// changeSetStack finds the stack that a change set is for; nil, if it is to make one. previous is
// nil unless it is to update one.
func (s *Service) changeSetStack(f form, name string) (st *stack, previous *goal, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	kind, stackName := f.get("ChangeSetType"), f.get("StackName")
	st = s.find(stackName)
	switch kind {
	case "CREATE":
		if st != nil && st.Status != reviewInProgress {
			return nil, nil, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", stackName, name)
		}
		if st == nil {
			return nil, nil, checkName(stackName)
		}
		return st, nil, nil
	case "", "UPDATE":
		if st == nil {
			return nil, nil, invalid(noStack, stackName)
		}
		if err := mayUpdate(st); err != nil {
			return nil, nil, err
		}
		g := st.Goal
		return st, &g, nil
	}
	return nil, nil, invalid("The change set type %s is not supported here", kind)
}

// fillChangeSet finds the changes. What stands against the change set makes it a failed one, as
// long as the template itself is right.
func (s *Service) fillChangeSet(st *stack, cs *changeSet) error {
	p, err := s.newPlan(st.Name, st.ID, cs.Goal)
	if err == nil {
		err = s.checkAttributes(p)
	}
	if err != nil {
		return err
	}
	var beside bool
	if err := s.missingImport(p); err != nil {
		cs.fail(message(err))
		return nil
	}
	cs.Changes, beside, err = s.compare(st, p, true)
	if err != nil {
		cs.fail(message(err))
		return nil
	}
	if len(cs.Changes) == 0 && !beside {
		cs.fail(noChanges)
	}
	return nil
}

func (s *Service) missingImport(p *plan) error {
	names, err := p.scope.ImportNames()
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range names {
		if _, out := s.exporter(name); out == nil {
			return wordsf("No export named %s found", name)
		}
	}
	return nil
}

// fail makes a change set one that cannot be executed.
func (cs *changeSet) fail(reason string) {
	cs.Status, cs.Reason, cs.Execution = "FAILED", reason, unavailable
	cs.Goal.Template = "" // nobody can execute it
}

// end records that the execution ended with the stack in status.
func (cs *changeSet) end(status string) {
	cs.Execution, cs.Goal.Template = executeFailed, ""
	if status == createComplete || status == updateComplete {
		cs.Execution = executeComplete
	}
}

// changeSet finds a change set that can still be executed or looked at, by name or ID; the
// newest of a name.
func (st *stack) changeSet(nameOrID string) *changeSet {
	for _, cs := range slices.Backward(st.changeSets) {
		if cs.ID == nameOrID || cs.Name == nameOrID && cs.Execution != executeComplete && cs.Execution != executeFailed {
			return cs
		}
	}
	for _, cs := range slices.Backward(st.changeSets) {
		if cs.Name == nameOrID {
			return cs
		}
	}
	return nil
}

// changeSetFor finds the change set that a call is about. s.mu is held.
func (s *Service) changeSetFor(f form) (*stack, *changeSet, error) {
	name := f.get("ChangeSetName")
	missing := &awsproto.Error{Code: "ChangeSetNotFound", Message: fmt.Sprintf("ChangeSet [%s] does not exist", name), Status: 404}
	if strings.HasPrefix(name, "arn:") && f.get("StackName") == "" {
		for _, st := range s.stacks {
			if cs := st.changeSet(name); cs != nil {
				return st, cs, nil
			}
		}
		return nil, nil, missing
	}
	if f.get("StackName") == "" {
		return nil, nil, invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	st, err := s.stackFor(f, noStack)
	if err != nil {
		return nil, nil, err
	}
	if cs := st.changeSet(name); cs != nil {
		return st, cs, nil
	}
	return nil, nil, missing
}

func (s *Service) executeChangeSet(_ context.Context, f form) (any, error) {
	if err := refuseUnsupported(f); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, cs, err := s.changeSetFor(f)
	if err != nil {
		return nil, err
	}
	token := f.get("ClientRequestToken")
	switch {
	case token != "" && st.Token == token && st.ChangeSetID == cs.ID:
		return struct{}{}, nil // a repetition
	case cs.Status != createComplete:
		return nil, awsproto.Errorf("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", cs.ID, cs.Status)
	case cs.Execution != available:
		return nil, awsproto.Errorf("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current execution status of [%s]", cs.ID, cs.Execution)
	}
	p, err := s.newPlan(st.Name, st.ID, cs.Goal)
	if err != nil {
		return nil, err
	}
	if cs.Create {
		if st.Status != reviewInProgress {
			return nil, invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
		}
		st.DisableRollback = f.bool("DisableRollback") || cs.OnFailure == "DO_NOTHING"
		st.DeleteOnFailure = cs.OnFailure == "DELETE"
		return struct{}{}, s.startCreate(st, p, token, cs)
	}
	if f.bool("DisableRollback") || cs.OnFailure != "" && cs.OnFailure != "ROLLBACK" {
		return nil, invalid("A failed update can only be rolled back here")
	}
	if err := mayUpdate(st); err != nil {
		return nil, err
	}
	return struct{}{}, s.startUpdate(st, p, token, cs)
}

func (s *Service) deleteChangeSet(_ context.Context, f form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, cs, err := s.changeSetFor(f)
	switch {
	case err != nil && awsproto.From(err).Code == "ChangeSetNotFound":
		return struct{}{}, nil
	case err != nil:
		return nil, err
	case cs.Execution == executeInProgress:
		return nil, awsproto.Errorf("InvalidChangeSetStatus", "ChangeSet [%s] cannot be deleted in its current execution status of [%s]", cs.ID, cs.Execution)
	}
	st.changeSets = slices.DeleteFunc(st.changeSets, func(other *changeSet) bool { return other == cs })
	return struct{}{}, s.saveChangeSets(st)
}
