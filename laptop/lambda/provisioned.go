package lambda

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// ProvisionedConcurrency is environments that are started ahead of requests, for a version or for
// the version that an alias points to. See
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
type ProvisionedConcurrency struct {
	Function     string
	Qualifier    string // a number or an alias
	ARN          string
	Requested    int
	Allocated    int    // that are started or ready
	Available    int    // that have finished their init phase
	Status       string // IN_PROGRESS, READY or FAILED
	StatusReason string // of FAILED
	LastModified time.Time
}

// provisionedConfiguration is what is kept of it.
type provisionedConfiguration struct {
	Qualifier    string
	Requested    int
	LastModified time.Time
}

func (r *record) provisionedIndex(qualifier string) int {
	return slices.IndexFunc(r.Provisioned, func(p provisionedConfiguration) bool { return p.Qualifier == qualifier })
}

// provisionedFor is how many environments of a version are to be kept.
func (r *record) provisionedFor(version string) int {
	n := 0
	for _, p := range r.Provisioned {
		qualifier := p.Qualifier
		if a, ok := r.alias(qualifier); ok {
			qualifier = a.Version
		}
		if qualifier == version {
			n += p.Requested
		}
	}
	return n
}

// checkProvisioned refuses an alias with provisioned concurrency that does not point to one
// published version.
func (r *record) checkProvisioned(qualifier string) error {
	if r.provisionedIndex(qualifier) < 0 {
		return nil
	}
	a, ok := r.alias(qualifier)
	switch {
	case ok && a.Version == latest:
		return awsproto.Errorf("InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	case ok && len(a.Weights) > 0:
		return awsproto.Errorf("InvalidParameterValueException",
			"Invalid alias configuration for Provisioned Concurrency: on this machine an alias has weights or provisioned concurrency, not both")
	}
	for _, other := range r.Aliases {
		if ok && other.Name != a.Name && other.Version == a.Version && r.provisionedIndex(other.Name) >= 0 ||
			!ok && other.Version == qualifier && r.provisionedIndex(other.Name) >= 0 ||
			ok && r.provisionedIndex(a.Version) >= 0 {
			return &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
				Message: "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"}
		}
	}
	return nil
}

// PutProvisionedConcurrency keeps n environments for the version or alias that name ends with.
func (s *Service) PutProvisionedConcurrency(_ context.Context, name string, n int) (ProvisionedConcurrency, error) {
	fam, qualifier, err := s.family(name)
	if err != nil {
		return ProvisionedConcurrency{}, err
	}
	_, err = s.edit(name, func(_ *family, rec *record) error {
		switch {
		case qualifier == "":
			return awsproto.Errorf("InvalidParameterValueException", "the qualifier is missing: the number of a version or an alias")
		case qualifier == latest:
			return awsproto.Errorf("InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
		case !rec.has(qualifier):
			return s.errNotFound(fam.name + ":" + qualifier)
		case fam.onManagedInstances(qualifier):
			return awsproto.Errorf("InvalidParameterValueException", "Provisioned Concurrency is not for functions on Managed Instances, which are never frozen")
		case rec.isolatesTenants():
			return rec.notWithTenants("Provisioned Concurrency")
		case n < 1:
			return awsproto.Errorf("InvalidParameterValueException", "ProvisionedConcurrentExecutions %d: 1 at least", n)
		}
		p := provisionedConfiguration{qualifier, n, time.Now().UTC().Truncate(time.Millisecond)}
		if i := rec.provisionedIndex(qualifier); i >= 0 {
			rec.Provisioned[i] = p
		} else {
			rec.Provisioned = append(rec.Provisioned, p)
		}
		if err := rec.checkProvisioned(qualifier); err != nil {
			return err
		}
		return s.checkConcurrency(rec)
	})
	if err != nil {
		return ProvisionedConcurrency{}, err
	}
	return s.ProvisionedConcurrency(name)
}

// onManagedInstances says that what a qualifier stands for has no environments of its own to provision.
func (f *family) onManagedInstances(qualifier string) bool {
	pool, err := f.service.lookup(f.name + ":" + qualifier)
	return err == nil && pool.configuration().ManagedInstances != nil
}

// checkConcurrency refuses a record that takes more concurrency than there is.
func (s *Service) checkConcurrency(rec *record) error {
	n := 0
	for _, p := range rec.Provisioned {
		n += p.Requested
	}
	if r := rec.ReservedConcurrency; r != nil {
		if n > *r {
			return awsproto.Errorf("InvalidParameterValueException",
				"Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	if n > 0 && s.left(rec) < minUnreserved {
		return awsproto.Errorf("InvalidParameterValueException",
			"Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	return nil
}

// ProvisionedConcurrency tells how far the environments of a version or alias have come, or
// ProvisionedConcurrencyConfigNotFoundException.
func (s *Service) ProvisionedConcurrency(name string) (ProvisionedConcurrency, error) {
	fam, qualifier, err := s.family(name)
	if err != nil {
		return ProvisionedConcurrency{}, err
	}
	m := fam.now.Load()
	if !m.record.has(qualifier) {
		return ProvisionedConcurrency{}, s.errNotFound(fam.name + ":" + qualifier)
	}
	i := m.record.provisionedIndex(qualifier)
	if i < 0 {
		return ProvisionedConcurrency{}, &awsproto.Error{Code: "ProvisionedConcurrencyConfigNotFoundException", Status: http.StatusNotFound,
			Message: "No Provisioned Concurrency Config found for this function"}
	}
	return s.provisionedState(m, m.record.Provisioned[i]), nil
}

// ProvisionedConcurrencies returns every configuration of a function.
func (s *Service) ProvisionedConcurrencies(name string) ([]ProvisionedConcurrency, error) {
	fam, _, err := s.family(name)
	if err != nil {
		return nil, err
	}
	m := fam.now.Load()
	var all []ProvisionedConcurrency
	for _, p := range m.record.Provisioned {
		all = append(all, s.provisionedState(m, p))
	}
	return all, nil
}

func (s *Service) provisionedState(m *members, p provisionedConfiguration) ProvisionedConcurrency {
	state := ProvisionedConcurrency{Function: m.record.Name, Qualifier: p.Qualifier, ARN: s.arn(m.record.Name + ":" + p.Qualifier),
		Requested: p.Requested, LastModified: p.LastModified, Status: "IN_PROGRESS"}
	version := p.Qualifier
	if a, ok := m.record.alias(version); ok {
		version = a.Version
	}
	f := m.version(version)
	if f == nil {
		return state
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for e := range f.live {
		if e.provisioned {
			state.Allocated++
			if e.pastInit {
				state.Available++
			}
		}
	}
	state.Allocated, state.Available = min(state.Allocated, p.Requested), min(state.Available, p.Requested)
	switch {
	case state.Available == p.Requested:
		state.Status = "READY"
	case f.provisionFailures > 0:
		state.Status, state.StatusReason = "FAILED", "FUNCTION_ERROR_INIT_FAILURE"
	}
	return state
}

// DeleteProvisionedConcurrency ends what PutProvisionedConcurrency has begun.
func (s *Service) DeleteProvisionedConcurrency(_ context.Context, name string) error {
	_, qualifier := splitName(name)
	_, err := s.edit(name, func(fam *family, rec *record) error {
		if !rec.has(qualifier) {
			return s.errNotFound(fam.name + ":" + qualifier)
		}
		rec.Provisioned = slices.DeleteFunc(rec.Provisioned, func(p provisionedConfiguration) bool { return p.Qualifier == qualifier })
		return nil
	})
	return err
}

// provision makes every pool keep what the record says.
func (f *family) provision() {
	m := f.now.Load()
	for _, pool := range m.all() {
		pool.keep(m.record.provisionedFor(pool.version))
	}
}

// keep makes n the number of environments that are provisioned: it starts what is missing and
// shuts down what is too much.
func (f *function) keep(n int) {
	f.mu.Lock()
	if f.missing != nil {
		n = 0
	}
	if n != int(f.provisioned.Load()) {
		f.provisionFailures, f.provisionAfter = 0, time.Time{}
	}
	f.provisioned.Store(int64(n))
	have := 0
	for e := range f.live {
		if e.provisioned {
			have++
		}
	}
	var surplus []*environment
	for _, e := range slices.Clone(f.idle) {
		if e.provisioned && have > n {
			have--
			e.provisioned = false
			f.drop(e)
			surplus = append(surplus, e)
		}
	}
	for e := range f.live { // those at work are reaped when they have been idle for long
		if e.provisioned && have > n {
			have--
			e.provisioned = false
		}
	}
	f.balance()
	f.mu.Unlock()
	for _, e := range surplus {
		e.shutdown(StopSpindown)
	}
}

// startProvisioned starts the environments that are to be kept and are not there. After a failed
// init phase it waits, for longer each time. The caller holds f.mu.
func (f *function) startProvisioned() {
	n := int(f.provisioned.Load())
	if n == 0 || f.gone != nil || time.Now().Before(f.provisionAfter) {
		return
	}
	have := 0
	for e := range f.live {
		if e.provisioned {
			have++
		}
	}
	for ; have < n; have++ {
		f.start(true)
	}
}

// provisionFailed is told of every provisioned environment that has not got through its init phase.
// The caller holds f.mu.
func (f *function) provisionFailed() {
	wait := min(f.service.cfg.provisionDelay<<min(f.provisionFailures, 10), time.Minute)
	f.provisionFailures++
	f.provisionAfter = time.Now().Add(wait)
	time.AfterFunc(wait, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.balance()
	})
}
