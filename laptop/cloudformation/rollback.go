package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// rollbackCreate deletes whatever the creation of a stack has made, whose status is
// ROLLBACK_IN_PROGRESS already.
func (s *Service) rollbackCreate(ctx context.Context, st *stack) error {
	s.mu.RLock()
	all := st.all()
	s.mu.RUnlock()
	failed := s.deleteResources(ctx, st, all, true)
	if stopped(ctx) {
		return errStopped
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(failed) > 0 {
		return s.setStatusLocked(st, rollbackFailed, failedToDelete(failed))
	}
	st.Imports, st.Outputs = nil, nil
	return s.setStatusLocked(st, rollbackComplete, "")
}

// rollbackUpdate leads every resource that an update has touched back to what it was, in the
// order of their dependencies, and deletes what the update has made.
func (s *Service) rollbackUpdate(ctx context.Context, st *stack, reason string) error {
	if err := s.setStatus(st, updateRollbackInProgress, reason); err != nil {
		return err
	}
	ids := []string{}
	needs := map[string][]string{}
	s.mu.RLock()
	for _, id := range st.logicalIDs() {
		if r := st.resources[id]; r.Before != nil {
			ids = append(ids, id)
			needs[id] = r.Before.Needs
		}
	}
	tags := st.Goal.tags()
	if st.Previous != nil {
		tags = st.Previous.tags()
	}
	s.mu.RUnlock()
	failed := inOrder(ctx, ids, func(id string) []string { return needs[id] }, s.config.Parallel, true,
		func(ctx context.Context, id string) error { return s.revert(ctx, st, tags, st.resources[id]) })
	if stopped(ctx) {
		return errStopped
	}
	if len(failed) > 0 {
		return s.setStatus(st, updateRollbackFailed, fmt.Sprintf("The following resource(s) failed to update: [%s]. ", strings.Join(failed, ", ")))
	}
	s.mu.Lock()
	if st.Previous != nil {
		st.Goal, st.Previous = *st.Previous, nil
	}
	p, err := s.newPlan(st.Name, st.ID, st.Goal)
	if err == nil {
		st.Imports, err = p.scope.ImportNames()
	}
	err = errors.Join(err, s.setStatusLocked(st, updateRollbackCleanup, ""))
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.cleanUp(ctx, st, updateRollbackComplete)
}

// revert leads one resource back to what it was before the update.
func (s *Service) revert(ctx context.Context, st *stack, tags map[string]string, r *resource) error {
	s.mu.RLock()
	before, now := r.Before, r.Now
	s.mu.RUnlock()
	if before.Token != now.Token {
		// The old one is untouched: it is the resource again, and the new one goes.
		return s.setResource(st, r, updateComplete, "", func() { r.Now, r.Before, r.Trash = before, nil, now })
	}
	if len(changedKeys(before.Properties, now.Properties)) == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.Now, r.Before = before, nil
		return s.saveResource(st, r)
	}
	if err := s.setResource(st, r, updateInProgress, "", nil); err != nil {
		return err
	}
	back := *before
	got, err := s.provide(ctx, task{st: st, tags: tags, r: r, m: &back, old: now.Properties}, Provider.Update)
	if err != nil {
		if stopped(ctx) {
			return errStopped
		}
		return errors.Join(err, s.setResource(st, r, updateFailed, message(err), nil))
	}
	return s.setResource(st, r, updateComplete, "", func() {
		err = back.take(got)
		r.Now, r.Before = &back, nil
	})
}

// cleanUp deletes what an update, or its rollback, has left over, and ends in status. What cannot
// be deleted after three tries is left behind, as CloudFormation does, and its event says so.
//
// https://repost.aws/knowledge-center/cloudformation-stack-cleanup-stuck
func (s *Service) cleanUp(ctx context.Context, st *stack, status string) error {
	over, err := s.leftOver(st)
	if err != nil {
		return err
	}
	for try := 1; len(over) > 0 && try <= 3 && ctx.Err() == nil; try++ {
		failed := s.deleteResources(ctx, st, over, false)
		over = slices.DeleteFunc(over, func(d doomed) bool { return !slices.Contains(failed, d.r.LogicalID) })
	}
	if stopped(ctx) {
		return errStopped
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range over {
		if err := s.discard(st, d); err != nil {
			return err
		}
	}
	st.Previous = nil
	return s.setStatusLocked(st, status, "")
}

// leftOver turns what the update has marked into what is to be deleted. It may run twice over the
// same resources, after a crash.
func (s *Service) leftOver(st *stack) ([]doomed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.newPlan(st.Name, st.ID, st.Goal)
	if err != nil {
		return nil, err
	}
	var over []doomed
	for _, id := range st.logicalIDs() {
		r := st.resources[id]
		if r.Before != nil && r.Now != nil && r.Before.Token != r.Now.Token {
			r.Trash = r.Before
		}
		r.Before, r.New = nil, false
		if err := s.saveResource(st, r); err != nil {
			return nil, err
		}
		if r.Trash != nil {
			over = append(over, doomed{r: r, m: r.Trash, policy: r.Trash.UpdateReplacePolicy})
		}
		if !p.graph.Has(id) {
			if r.Now == nil {
				err = errors.Join(err, s.forget(st, r))
				continue
			}
			d := doomed{r: r, m: r.Now, policy: r.Now.DeletionPolicy, whole: true}
			if st.Status == updateRollbackCleanup {
				d.rolledBack = true
			}
			over = append(over, d)
		}
	}
	return over, err
}
