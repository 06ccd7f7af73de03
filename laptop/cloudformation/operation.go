package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// operation leads a stack to its plan.
type operation struct {
	s  *Service
	st *stack
	p  *plan
}

// create carries out the creation of a stack whose status is CREATE_IN_PROGRESS already.
func (o *operation) create(ctx context.Context) error {
	s, st := o.s, o.st
	run := ctx
	if st.Timeout > 0 {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeout(ctx, st.Timeout)
		defer cancel()
	}
	reason := o.converge(run)
	if stopped(ctx) {
		return errStopped
	}
	if reason != "" && errors.Is(run.Err(), context.DeadlineExceeded) {
		reason = "Stack creation time exceeded the specified timeout."
	}
	next, why, then := createComplete, "", func(context.Context, *stack) error { return nil }
	switch {
	case reason == "":
	case st.DisableRollback:
		next, why = createFailed, reason
	case st.DeleteOnFailure:
		next, why, then = deleteInProgress, requested("Delete", reason), s.deleteStack
	default:
		next, why, then = rollbackInProgress, requested("Rollback", reason), s.rollbackCreate
	}
	s.mu.Lock()
	if ctx.Err() != nil {
		s.mu.Unlock()
		return nil // DeleteStack has cancelled the creation and goes on from here
	}
	err := s.setStatusLocked(st, next, why)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return then(ctx, st)
}

// requested is the reason of what follows a failed creation, a Rollback or a Delete: what failed, and CloudFormation's
// set phrase.
func requested(what, reason string) string {
	return strings.TrimSuffix(strings.TrimSpace(reason), ".") + ". " + what + " requested by user."
}

// update carries out the update of a stack whose status is UPDATE_IN_PROGRESS already.
func (o *operation) update(ctx context.Context) error {
	s, st := o.s, o.st
	reason := o.converge(ctx)
	if stopped(ctx) {
		return errStopped
	}
	if reason == "" {
		if err := s.setStatus(st, updateCleanup, ""); err != nil {
			return err
		}
		return s.cleanUp(ctx, st, updateComplete)
	}
	return s.rollbackUpdate(ctx, st, reason)
}

// converge makes and updates what the plan says and sets the outputs. It returns why that failed,
// or "".
func (o *operation) converge(ctx context.Context) (reason string) {
	names, err := o.p.scope.ImportNames()
	if err == nil {
		err = o.holdImports(names)
	}
	if err != nil {
		return message(err)
	}
	failed := inOrder(ctx, o.p.graph.Order(), o.p.graph.Needs, o.s.config.Parallel, false, o.step)
	if len(failed) > 0 {
		return o.failures(failed)
	}
	if ctx.Err() != nil {
		return "the operation was cancelled"
	}
	outputs, err := o.p.outputs(present{o.s, o.st})
	if err != nil {
		return message(err)
	}
	return o.setOutputs(outputs, names)
}

func (o *operation) holdImports(names []string) error {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if err := o.s.use(o.st, names); err != nil {
		return err
	}
	return o.s.saveStack(o.st)
}

// setOutputs publishes outputs if no export stands against it, and lets go of the imports that
// are not used any more.
func (o *operation) setOutputs(outputs []output, imports []string) (reason string) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if reason := o.s.refuseOutputs(o.st, outputs); reason != "" {
		return reason
	}
	o.st.Outputs, o.st.Imports = outputs, imports
	if err := o.s.saveStack(o.st); err != nil {
		return err.Error()
	}
	return ""
}

// failures says which resources failed, in CloudFormation's words.
func (o *operation) failures(failed []string) string {
	o.s.mu.RLock()
	defer o.s.mu.RUnlock()
	var made, changed []string
	for _, id := range failed {
		if r := o.st.resources[id]; r != nil && r.Status == updateFailed {
			changed = append(changed, id)
		} else {
			made = append(made, id)
		}
	}
	reason := ""
	if len(made) > 0 {
		reason += fmt.Sprintf("The following resource(s) failed to create: [%s]. ", strings.Join(made, ", "))
	}
	if len(changed) > 0 {
		reason += fmt.Sprintf("The following resource(s) failed to update: [%s]. ", strings.Join(changed, ", "))
	}
	return reason
}

// step leads one resource to the plan.
func (o *operation) step(ctx context.Context, id string) error {
	o.s.mu.Lock()
	r := o.st.resources[id]
	if r == nil {
		r = &resource{LogicalID: id, Type: o.p.t.Resources[id].Type}
		o.st.resources[id] = r
	}
	now := r.Now
	updating := o.st.Previous != nil
	o.s.mu.Unlock()
	props, shown, err := o.p.properties(id, present{o.s, o.st})
	if now == nil {
		m := o.p.make(id, props, shown)
		if err := o.s.setResource(o.st, r, createInProgress, "", func() { r.Now, r.New = m, updating }); err != nil {
			return err
		}
		return o.finishCreate(ctx, r, m, err, createInProgress, createComplete, createFailed)
	}
	if err != nil {
		return o.fail(ctx, r, updateFailed, err)
	}
	changed := changedKeys(now.Properties, props)
	switch {
	case len(changed) == 0:
		return o.refresh(r, now)
	case o.s.replaces(now.Type, changed):
		return o.replace(ctx, r, now, o.p.make(id, props, shown))
	}
	m := *now
	m.Properties, m.Shown = props, shown
	o.p.describe(id, &m)
	return o.change(ctx, r, now, &m)
}

// finishCreate calls the provider for m, which is recorded as r.Now, and records how it went. err
// is what stood against it from the start.
func (o *operation) finishCreate(ctx context.Context, r *resource, m *made, err error, under, done, failed string) error {
	s := o.s
	if err == nil {
		err = s.validate(r.LogicalID, m)
	}
	var policy *creationPolicy
	if err == nil {
		policy, err = o.creationPolicy(r.LogicalID)
	}
	if policy != nil {
		s.waits.open(policyHandle(m))
		defer s.waits.close(policyHandle(m))
	}
	var got Resource
	if err == nil {
		got, err = s.provide(ctx, task{st: o.st, tags: o.p.goal.tags(), r: r, m: m, policy: policy != nil}, Provider.Create)
	}
	if err == nil && got.PhysicalID == "" {
		err = fmt.Errorf("the provider of %s told no physical ID", m.Type)
	}
	if stopped(ctx) && err != nil && got.PhysicalID == "" {
		return errStopped // Making stands: Restore asks the provider
	}
	s.mu.Lock()
	err = errors.Join(err, m.take(got))
	s.mu.Unlock()
	if err != nil {
		return o.fail(ctx, r, failed, err)
	}
	s.mu.Lock()
	err = s.emitResource(o.st, r, m, under, "Resource creation Initiated")
	s.mu.Unlock()
	if policy != nil {
		if err := s.keep(o.st, r); err != nil {
			return err
		}
		if err := o.await(ctx, m, policy); err != nil {
			return o.fail(ctx, r, failed, err)
		}
	}
	return errors.Join(err, s.setResource(o.st, r, done, "", nil))
}

// fail records a failed step, unless the Service is being closed.
func (o *operation) fail(ctx context.Context, r *resource, status string, err error) error {
	if stopped(ctx) {
		return errors.Join(errStopped, o.s.keep(o.st, r))
	}
	reason := message(err)
	if ctx.Err() != nil {
		reason = "Resource creation cancelled"
		if status == updateFailed {
			reason = "Resource update cancelled"
		}
	}
	return errors.Join(err, o.s.setResource(o.st, r, status, reason, nil))
}

// refresh records what the template says anew of a resource that stays as it is.
func (o *operation) refresh(r *resource, now *made) error {
	m := *now
	o.p.describe(r.LogicalID, &m)
	if reflect.DeepEqual(*now, m) {
		return nil
	}
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	r.Before, r.Now = now, &m
	return o.s.saveResource(o.st, r)
}

// change updates a resource in place.
func (o *operation) change(ctx context.Context, r *resource, now, m *made) error {
	if err := o.s.setResource(o.st, r, updateInProgress, "", func() { r.Before, r.Now = now, m }); err != nil {
		return err
	}
	err := o.s.validate(r.LogicalID, m)
	var got Resource
	if err == nil {
		got, err = o.s.provide(ctx, task{st: o.st, tags: o.p.goal.tags(), r: r, m: m, old: now.Properties}, Provider.Update)
	}
	if err != nil {
		return o.fail(ctx, r, updateFailed, err)
	}
	return o.s.setResource(o.st, r, updateComplete, "", func() { err = m.take(got) })
}

// replace makes a new physical resource beside the old one, which the clean-up deletes.
func (o *operation) replace(ctx context.Context, r *resource, now, m *made) error {
	const reason = "Requested update requires the creation of a new physical resource; hence creating one."
	if err := o.s.setResource(o.st, r, updateInProgress, reason, func() { r.Before, r.Now = now, m }); err != nil {
		return err
	}
	return o.finishCreate(ctx, r, m, nil, updateInProgress, updateComplete, updateFailed)
}

// changedKeys are the properties in which a and b differ, sorted.
func changedKeys(a, b values) []string {
	var keys []string
	for key, v := range a {
		if other, ok := b[key]; !ok || !reflect.DeepEqual(v, other) {
			keys = append(keys, key)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// replaces says whether a change of keys needs a new physical resource.
func (s *Service) replaces(resourceType string, keys []string) bool {
	provider := s.providers[resourceType]
	if provider == nil {
		return false
	}
	createOnly := provider.Schema().CreateOnly
	return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(createOnly, key) })
}

// keep saves a resource without a word about it.
func (s *Service) keep(st *stack, r *resource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saveResource(st, r)
}
