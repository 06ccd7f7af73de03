package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Restore brings the stacks back after a start of the laptop: first it resolves what a crash
// interrupted, then it asks the providers for every resource, stack by stack in the order of
// their imports and in each in the order of dependencies. Properties, outputs and exports are
// resolved anew on the way, so that an address of the laptop's own that has moved since is right
// again wherever it was imported; nothing is replaced by that.
//
// A resource that cannot be restored does not keep the others from it: all errors come back
// together, each with the names of its stack and its resource. Calls that change something wait for Restore. ServeSignal must be reachable already:
// hosts that boot again signal meanwhile.
func (s *Service) Restore(ctx context.Context) error {
	s.gate.Lock()
	defer s.gate.Unlock()
	outer := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(outer))
	defer cancel(nil)
	stop := func() { cancel(errStopped) } // a half-done step is no failed one
	defer context.AfterFunc(outer, stop)()
	defer context.AfterFunc(s.ctx, stop)()
	var errs []error
	for _, st := range s.byImports() {
		if err := errors.Join(s.resume(ctx, st), s.endExecutions(st)); err != nil {
			errs = append(errs, fmt.Errorf("resuming stack %s: %w", st.Name, err))
			continue
		}
		if err := s.restoreStack(ctx, st); err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx), outer.Err())...)
		}
	}
	return errors.Join(errs...)
}

// byImports are the live stacks, each after those that it imports from. Stacks cannot import from
// each other in a circle: each would have had to be there before the other.
func (s *Service) byImports() []*stack {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var order []*stack
	seen := map[*stack]bool{}
	var visit func(*stack)
	visit = func(st *stack) {
		if seen[st] {
			return
		}
		seen[st] = true
		for _, name := range st.Imports {
			if from, _ := s.exporter(name); from != nil {
				visit(from)
			}
		}
		order = append(order, st)
	}
	for _, id := range sortedKeys(s.stacks) {
		if s.stacks[id].live() {
			visit(s.stacks[id])
		}
	}
	return order
}

// resume resolves what was under way with a stack when the laptop stopped.
func (s *Service) resume(ctx context.Context, st *stack) error {
	reason := "The laptop stopped during " + st.Status
	switch st.Status {
	case createInProgress, rollbackInProgress:
		if err := s.setStatus(st, rollbackInProgress, requested("Rollback", reason)); err != nil {
			return err
		}
		return s.rollbackCreate(ctx, st)
	case updateInProgress, updateRollbackInProgress:
		return s.rollbackUpdate(ctx, st, reason)
	case updateCleanup:
		return s.cleanUp(ctx, st, updateComplete)
	case updateRollbackCleanup:
		return s.cleanUp(ctx, st, updateRollbackComplete)
	case deleteInProgress:
		return s.deleteStack(ctx, st)
	}
	return nil
}

// endExecutions records how the change sets ended that were executed when the laptop stopped.
func (s *Service) endExecutions(st *stack) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cs := range st.changeSets {
		if cs.Execution == executeInProgress {
			cs.end(st.Status)
			return s.saveChangeSets(st)
		}
	}
	return nil
}

// revival is one run of Restore over a stack's resources.
type revival struct {
	s  *Service
	st *stack
	p  *plan

	mu      sync.Mutex
	errs    []error
	signals map[string]bool // hosts that boot again, and what depends on them
}

func (s *Service) restoreStack(ctx context.Context, st *stack) error {
	ids := []string{}
	needs := map[string][]string{}
	for _, id := range st.logicalIDs() {
		if m := st.resources[id].Now; m != nil && m.PhysicalID != "" {
			ids = append(ids, id)
			needs[id] = m.Needs
		}
	}
	if len(ids) == 0 {
		return nil
	}
	p, err := s.newPlan(st.Name, st.ID, st.Goal)
	if err != nil {
		return fmt.Errorf("restoring stack %s: %w", st.Name, err)
	}
	v := &revival{s: s, st: st, p: p, signals: map[string]bool{}}
	inOrder(ctx, ids, func(id string) []string { return needs[id] }, s.config.Parallel, true, v.resource)
	if updatable(st.Status) {
		v.note("outputs", v.outputs())
	}
	return errors.Join(v.errs...)
}

func (v *revival) note(what string, err error) {
	if err == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.errs = append(v.errs, fmt.Errorf("restoring stack %s: %s: %w", v.st.Name, what, err))
}

// resource restores one resource. What fails is noted and leaves the record as it was, so that
// what depends on it has its last known values.
func (v *revival) resource(ctx context.Context, id string) error {
	s, st := v.s, v.st
	r := st.resources[id]
	now := r.Now
	m := *now
	if v.p.graph.Has(id) {
		props, shown, err := v.p.properties(id, present{s, st})
		if err == nil {
			m.Properties, m.Shown = props, shown
		} else if updatable(st.Status) {
			v.note(id, err)
		}
	}
	v.mu.Lock()
	signals := slices.ContainsFunc(now.Needs, func(need string) bool { return v.signals[need] })
	v.mu.Unlock()
	got, err := s.provide(ctx, task{st: st, tags: st.Goal.tags(), r: r, m: &m, old: now.Properties, signals: signals}, Provider.Restore)
	if err == nil {
		err = m.take(got)
	}
	if err != nil {
		v.note(id, err)
		return nil
	}
	v.mu.Lock()
	v.signals[id] = signals || got.Signals
	v.mu.Unlock()
	v.note(id, v.record(r, now, &m))
	return nil
}

// record keeps what has changed. Only changed properties are worth an event.
func (v *revival) record(r *resource, now, m *made) error {
	if reflect.DeepEqual(now, m) {
		return nil
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	r.Now = m
	if err := v.s.saveResource(v.st, r); err != nil {
		return err
	}
	keys := changedKeys(now.Properties, m.Properties)
	if len(keys) == 0 {
		return nil
	}
	return v.s.emitResource(v.st, r, m, updateComplete, "Resolved anew when the laptop started: "+strings.Join(keys, ", "))
}

// outputs resolves the outputs again, without regard to who imports them: what they name has
// moved, and the importers are restored after this.
func (v *revival) outputs() error {
	outputs, err := v.p.outputs(present{v.s, v.st})
	if err != nil {
		return err
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if slices.Equal(outputs, v.st.Outputs) {
		return nil
	}
	v.st.Outputs = outputs
	return v.s.saveStack(v.st)
}
