package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

type stackIDResult struct {
	StackID string `xml:"StackId"`
}

func (s *Service) createStack(ctx context.Context, f form) (any, error) {
	name := f.get("StackName")
	if err := checkName(name); err != nil {
		return nil, err
	}
	if again, err := s.repeated(f, name); again != nil || err != nil {
		return again, err
	}
	g, err := s.newGoal(ctx, f, nil)
	if err != nil {
		return nil, err
	}
	onFailure := f.get("OnFailure")
	if f.has("DisableRollback") && onFailure != "" {
		return nil, invalid("You can specify either DisableRollback or OnFailure, but not both.")
	}
	if !slices.Contains([]string{"", "ROLLBACK", "DELETE", "DO_NOTHING"}, onFailure) {
		return nil, invalid("Invalid OnFailure %s", onFailure)
	}
	minutes := 0
	if text := f.get("TimeoutInMinutes"); text != "" {
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 {
			return nil, invalid("TimeoutInMinutes must be at least 1")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(name)
	switch {
	case st == nil:
		st = s.newStack(name)
		s.stacks[st.ID] = st
	case st.Status != reviewInProgress:
		return nil, awsproto.Errorf("AlreadyExistsException", "Stack [%s] already exists", name)
	}
	st.Timeout = time.Duration(minutes) * time.Minute
	st.DisableRollback = f.bool("DisableRollback") || onFailure == "DO_NOTHING"
	st.DeleteOnFailure = onFailure == "DELETE"
	st.Protected = f.bool("EnableTerminationProtection")
	p, err := s.newPlan(st.Name, st.ID, g)
	if err == nil {
		err = s.checkAttributes(p)
	}
	if err == nil {
		err = s.startCreate(st, p, f.get("ClientRequestToken"), nil)
	}
	if err != nil && st.Status == "" {
		delete(s.stacks, st.ID)
	}
	return stackIDResult{st.ID}, err
}

// repeated finds the stack whose last operation had the request's token: the call is a repetition.
func (s *Service) repeated(f form, name string) (any, error) {
	token := f.get("ClientRequestToken")
	if token == "" {
		return nil, nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if st := s.find(name); st != nil && st.Token == token {
		return stackIDResult{st.ID}, nil
	}
	return nil, nil
}

// startCreate begins the creation of a stack. s.mu is held.
func (s *Service) startCreate(st *stack, p *plan, token string, cs *changeSet) error {
	if err := s.refuseClosing(); err != nil {
		return err
	}
	st.Goal, st.Token = p.goal, token
	if err := s.begin(st, cs, createInProgress); err != nil {
		return err
	}
	s.start(st, s.guard(st, cs, (&operation{s, st, p}).create))
	return nil
}

// startUpdate begins the update of a stack. s.mu is held.
func (s *Service) startUpdate(st *stack, p *plan, token string, cs *changeSet) error {
	if err := s.refuseClosing(); err != nil {
		return err
	}
	previous := st.Goal
	st.Previous, st.Goal, st.Token = &previous, p.goal, token
	if err := s.begin(st, cs, updateInProgress); err != nil {
		return err
	}
	s.start(st, s.guard(st, cs, (&operation{s, st, p}).update))
	return nil
}

// begin records that an operation starts. It makes all other change sets worthless. s.mu is held.
func (s *Service) begin(st *stack, cs *changeSet, status string) error {
	if status == updateInProgress || cs != nil {
		st.Updated = s.config.Now()
	}
	if cs != nil {
		st.ChangeSetID, cs.Execution = cs.ID, executeInProgress
		st.changeSets = slices.DeleteFunc(st.changeSets, func(other *changeSet) bool {
			return other != cs && other.Execution == available
		})
	}
	for _, other := range st.changeSets {
		if other.Execution == available {
			other.Execution = obsolete
		}
	}
	if err := s.saveChangeSets(st); err != nil {
		return err
	}
	return s.setStatusLocked(st, status, "User Initiated")
}

// guard is run with its end recorded: of the change set, and of the stack if run could not record
// it itself because the state cannot be written.
func (s *Service) guard(st *stack, cs *changeSet, run func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		err := run(ctx)
		if errors.Is(err, errStopped) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if cs != nil {
			cs.end(st.Status)
			err = errors.Join(err, s.saveChangeSets(st))
		}
		if err != nil {
			// Writing failed; this tries again, and at least tells Config.Events.
			_ = s.setStatusLocked(st, broken(st.Status), "internal error: "+message(err))
		}
	}
}

// broken is the status of a stack whose operation could not be recorded in status.
func broken(status string) string {
	switch status {
	case createInProgress, rollbackInProgress:
		return rollbackFailed
	case updateInProgress, updateRollbackInProgress, updateRollbackCleanup, updateCleanup:
		return updateRollbackFailed
	case deleteInProgress:
		return deleteFailed
	}
	return status
}

func (s *Service) updateStack(ctx context.Context, f form) (any, error) {
	if again, err := s.repeated(f, f.get("StackName")); again != nil || err != nil {
		return again, err
	}
	s.mu.RLock()
	st, err := s.stackFor(f, noStack)
	var previous goal
	if err == nil {
		previous = st.Goal
		err = mayUpdate(st)
	}
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if f.bool("DisableRollback") {
		return nil, invalid("DisableRollback is supported for the creation of stacks only here")
	}
	g, err := s.newGoal(ctx, f, &previous)
	if err != nil {
		return nil, err
	}
	p, err := s.newPlan(st.Name, st.ID, g)
	if err == nil {
		err = s.checkAttributes(p)
	}
	if err != nil {
		return nil, err
	}
	changes, any, err := s.compare(st, p, false)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 && !any {
		return nil, invalid("No updates are to be performed.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := mayUpdate(st); err != nil {
		return nil, err
	}
	return stackIDResult{st.ID}, s.startUpdate(st, p, f.get("ClientRequestToken"), nil)
}

// mayUpdate refuses an update of a stack that is not there or not at rest. s.mu is held.
func mayUpdate(st *stack) error {
	switch {
	case !st.live() || st.Status == reviewInProgress:
		return invalid(noStack, st.Name)
	case !updatable(st.Status):
		return invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
	}
	return nil
}

func (s *Service) deleteStackCall(_ context.Context, f form) (any, error) {
	if err := refuseUnsupported(f); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stackFor(f, noStack)
	if f.get("StackName") != "" && (err != nil || !st.live()) {
		return nil, nil // what is not there is deleted
	}
	if err == nil {
		err = s.refuseClosing()
	}
	switch {
	case err != nil:
		return nil, err
	case st.Status == deleteInProgress:
		return nil, nil
	case st.Protected:
		return nil, invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
	case moving(st.Status) && st.Status != createInProgress:
		return nil, invalid("Stack [%s] cannot be deleted while in status %s", st.ID, st.Status)
	}
	retain := f.strings("RetainResources")
	if len(retain) > 0 && st.Status != deleteFailed {
		return nil, invalid("Invalid operation on stack [%s]. Specify resources to retain only when the current stack state is DELETE_FAILED.", st.ID)
	}
	for _, id := range retain {
		r := st.resources[id]
		if r == nil || r.Now == nil {
			return nil, invalid("Resource [%s] does not exist in stack [%s]", id, st.Name)
		}
		r.Now.DeletionPolicy = "Retain"
	}
	st.Token = f.get("ClientRequestToken")
	if reason := s.refuseDelete(st); reason != "" {
		// As on AWS the call succeeds, and the stack is what it was, with a reason.
		status := st.Status
		if err := s.emit(st, Event{ID: awsproto.NewID(), LogicalID: st.Name, PhysicalID: st.ID, Type: StackType, Status: deleteInProgress, Reason: "User Initiated"}); err != nil {
			return nil, err
		}
		return nil, s.setStatusLocked(st, status, reason)
	}
	if st.cancel != nil {
		st.cancel()
	}
	if err := s.setStatusLocked(st, deleteInProgress, "User Initiated"); err != nil {
		return nil, err
	}
	s.start(st, s.guard(st, nil, func(ctx context.Context) error { return s.deleteStack(ctx, st) }))
	return nil, nil
}

func (s *Service) updateTerminationProtection(_ context.Context, f form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stackFor(f, noStack)
	if err != nil {
		return nil, err
	}
	st.Protected = f.bool("EnableTerminationProtection")
	return stackIDResult{st.ID}, s.saveStack(st)
}
