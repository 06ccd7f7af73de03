package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// doomed is a physical resource that is to be deleted.
type doomed struct {
	r      *resource
	m      *made
	policy string // DeletionPolicy or UpdateReplacePolicy
	// whole says that the resource goes, not only a physical one that was replaced.
	whole bool
	// rolledBack says that the operation that made it is being undone.
	rolledBack bool
}

// all is every physical resource of a stack whose creation is rolled back.
func (st *stack) all() []doomed {
	var all []doomed
	for _, id := range st.logicalIDs() {
		r := st.resources[id]
		if r.Before != nil && (r.Now == nil || r.Before.Token != r.Now.Token) {
			all = append(all, doomed{r: r, m: r.Before, policy: r.Before.DeletionPolicy, rolledBack: true})
		}
		if r.Trash != nil {
			all = append(all, doomed{r: r, m: r.Trash, policy: r.Trash.UpdateReplacePolicy, rolledBack: true})
		}
		if r.Now != nil {
			all = append(all, doomed{r: r, m: r.Now, policy: r.Now.DeletionPolicy, whole: true, rolledBack: true})
		}
	}
	return all
}

// deleteStack deletes a stack whose status is DELETE_IN_PROGRESS already. Its exports have been
// looked at.
func (s *Service) deleteStack(ctx context.Context, st *stack) error {
	s.mu.RLock()
	all := st.all()
	s.mu.RUnlock()
	for i := range all {
		all[i].rolledBack = false
	}
	failed := s.deleteResources(ctx, st, all, true)
	if stopped(ctx) {
		return errStopped
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(failed) > 0 {
		return s.setStatusLocked(st, deleteFailed, failedToDelete(failed))
	}
	st.Imports, st.Outputs, st.Deleted = nil, nil, s.config.Now()
	return errors.Join(s.setStatusLocked(st, deleteComplete, ""), s.prune())
}

func failedToDelete(ids []string) string {
	return fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(ids, ", "))
}

// deleteResources deletes physical resources, each before what it needs, and returns the logical
// IDs of those that could not be. keep says that the resource's record stays.
func (s *Service) deleteResources(ctx context.Context, st *stack, list []doomed, keep bool) []string {
	byID := map[string][]doomed{}
	users := map[string][]string{}
	for _, d := range list {
		id := d.r.LogicalID
		byID[id] = append(byID[id], d)
		for _, need := range d.m.Needs {
			users[need] = append(users[need], id)
		}
	}
	return inOrder(ctx, sortedKeys(byID), func(id string) []string { return users[id] }, s.config.Parallel, true,
		func(ctx context.Context, id string) error {
			for _, d := range byID[id] {
				if err := s.deleteOne(ctx, st, d, keep); err != nil {
					return err
				}
			}
			return nil
		})
}

func (s *Service) deleteOne(ctx context.Context, st *stack, d doomed, keep bool) error {
	if d.policy == "Retain" || d.policy == "RetainExceptOnCreate" && !d.rolledBack {
		return s.gone(st, d, deleteSkipped, keep)
	}
	if d.m.PhysicalID == "" && !d.m.Making {
		return s.gone(st, d, deleteComplete, keep) // its provider has made nothing
	}
	event := func(status, reason string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.whole {
			d.r.Status, d.r.Reason, d.r.Time = status, reason, s.config.Now()
			if err := s.saveResource(st, d.r); err != nil {
				return err
			}
		}
		return s.emitResource(st, d.r, d.m, status, reason)
	}
	if err := event(deleteInProgress, ""); err != nil {
		return err
	}
	if err := s.dismiss(ctx, task{st: st, tags: st.Goal.tags(), r: d.r, m: d.m}); err != nil {
		if stopped(ctx) {
			return errStopped
		}
		return errors.Join(err, event(deleteFailed, message(err)))
	}
	return s.gone(st, d, deleteComplete, keep)
}

// gone records that a physical resource is no part of the stack any more.
func (s *Service) gone(st *stack, d doomed, status string, keep bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.emitResource(st, d.r, d.m, status, ""); err != nil {
		return err
	}
	if !d.whole || !keep {
		return s.discard(st, d)
	}
	d.r.Status, d.r.Reason, d.r.Time = status, "", s.config.Now()
	d.r.Now, d.r.Before, d.r.New = nil, nil, false
	return s.saveResource(st, d.r)
}

// discard takes a physical resource out of the records. s.mu is held.
func (s *Service) discard(st *stack, d doomed) error {
	if d.whole {
		return s.forget(st, d.r)
	}
	if d.r.Trash == d.m {
		d.r.Trash = nil
	}
	if d.r.Before == d.m {
		d.r.Before = nil
	}
	return s.saveResource(st, d.r)
}
