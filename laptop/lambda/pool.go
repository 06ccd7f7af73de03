package lambda

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// function is one version of a function and the pool of its environments.
//
// Requests in flight (waiting, or running and not yet answered) are limited on admission, the
// number of environments when one is started. With W requests waiting, R running and a limit L,
// W + R ≤ L; so when L environments stand and none is idle, at least W of them are starting or
// finishing, and every waiting request is served by one of those: none waits for ever.
type function struct {
	name     string // the function's
	version  string
	family   *family
	service  *Service
	counters *counters
	missing  error  // why there is no code, if so: then there are no environments either
	isolated bool   // its environments are those of its tenants' pools
	tenant   string // whose environments these are, in such a pool
	tenants  tenants

	provisioned   atomic.Int64 // how many environments are kept ahead of requests
	onProvisioned atomic.Int64 // requests in flight that were admitted under provisioned concurrency

	mu       sync.Mutex
	cfg      Function
	rev      *revision                 // what new environments run
	idle     []*environment            // all of rev; the last one was used last
	waiters  []*waiter                 // in order of arrival
	live     map[*environment]struct{} // all that are not being shut down
	starting int                       // live environments of rev in their init phase
	gone     error                     // why no request is admitted any more, if so

	finishing         atomic.Int64  // environments that have answered and are not ready for another request yet
	startLater        bool          // balance is called when the scaling rate allows more
	patience          time.Duration // what the last start of an environment took, maxPatience at most
	lookAgain         bool          // balance is called when the first waiting request has lost its patience
	provisionFailures int           // init phases in a row in which a provisioned environment has failed
	provisionAfter    time.Time     // no provisioned environment is started before
}

// revision is what an environment is made from. It holds the code while environments may start.
type revision struct {
	seq int // later revisions have higher ones
	cfg Function
	opt string // the folder of the layers' merged content, /opt on Lambda; empty without layers
}

// waiter is a request for which no environment was idle.
type waiter struct {
	inv *invocation
	at  time.Time     // of its arrival
	seq int           // of the revision at its arrival: older ones do not serve it
	got chan handover // buffered: whoever takes the waiter off the list sends once
}

// handover is an environment for a waiting request, or why there is none.
type handover struct {
	env *environment
	err error
}

// newFunction makes the pool of a version. The caller holds its code, unless that is missing.
func newFunction(fam *family, cfg Function, missing error) *function {
	f := &function{
		name: cfg.Name, version: cfg.Version, family: fam, service: fam.service, counters: fam.counters, cfg: cfg, missing: missing, isolated: cfg.isolatesTenants(),
		live: map[*environment]struct{}{},
	}
	f.rev = f.revision(0, cfg)
	if missing == nil {
		f.service.code.hold(cfg)
	}
	return f
}

func (f *function) revision(seq int, cfg Function) *revision {
	r := &revision{seq: seq, cfg: cfg}
	if cfg.LayersSHA256 != "" {
		r.opt = f.service.code.path(cfg.LayersSHA256)
	}
	return r
}

func (f *function) configuration() Function {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cfg
}

// take gives an idle environment to inv or, if there is none, starts another and waits for the
// first that is ready.
func (f *function) take(ctx context.Context, inv *invocation) (*environment, error) {
	f.mu.Lock()
	if f.gone != nil {
		f.mu.Unlock()
		return nil, f.gone
	}
	if n := len(f.idle); n > 0 {
		i := n - 1
		if f.provisioned.Load() > 0 {
			i = f.lastProvisioned()
		}
		e := f.idle[i]
		f.idle = slices.Delete(f.idle, i, i+1)
		f.mu.Unlock()
		return e, nil
	}
	w := &waiter{inv: inv, at: time.Now(), seq: f.rev.seq, got: make(chan handover, 1)}
	f.waiters = append(f.waiters, w)
	if !f.balance() {
		f.waiters = f.waiters[:len(f.waiters)-1]
		f.mu.Unlock()
		return nil, f.throttle(f.limits().concurrency)
	}
	f.mu.Unlock()

	select {
	case h := <-w.got:
		return h.env, h.err
	case <-ctx.Done():
	}
	if f.forgetWaiter(w) {
		return nil, ctx.Err()
	}
	h := <-w.got
	if h.env != nil {
		f.put(h.env)
	}
	return nil, ctx.Err()
}

// lastProvisioned is the idle environment to take where some are provisioned: of those the one
// that was used last, or of all. The caller holds f.mu.
func (f *function) lastProvisioned() int {
	for i, e := range slices.Backward(f.idle) {
		if e.provisioned {
			return i
		}
	}
	return len(f.idle) - 1
}

// balance starts environments until there are those that are provisioned and one for every waiting
// request, as far as the limit goes. It reports whether the scaling rate was kept: if not, it is
// called again once another may be started. The caller holds f.mu.
func (f *function) balance() bool {
	f.startProvisioned()
	limit := int(f.service.unreserved.Load() + f.provisioned.Load())
	if r := f.family.reservation(); r != nil {
		limit = *r
	}
	wanted := f.wanted()
	for f.starting*f.rev.cfg.slots() < wanted && len(f.live) < limit {
		if !f.mayStart() {
			f.balanceLater()
			return false
		}
		f.start(false)
	}
	return true
}

func (f *function) balanceLater() {
	if f.startLater {
		return
	}
	f.startLater = true
	time.AfterFunc(scalingPeriod/time.Duration(f.service.cfg.ScalingRate), func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.startLater = false
		f.balance()
	})
}

// start starts an environment. The caller holds f.mu.
func (f *function) start(provisioned bool) {
	e := newEnvironment(f, f.rev)
	if provisioned {
		e.provisioned, e.initType = true, provisionedConcurrency
	}
	f.starting++
	f.live[e] = struct{}{}
	f.counters.started.Add(1)
	running := f.counters.running.Add(1)
	for peak := f.counters.peak.Load(); running > peak && !f.counters.peak.CompareAndSwap(peak, running); {
		peak = f.counters.peak.Load()
	}
	f.service.environments.Go(e.run)
}

// started counts e as past its init phase. The caller holds f.mu.
func (f *function) started(e *environment) {
	if _, ok := f.live[e]; ok && e.rev == f.rev && !e.pastInit {
		f.starting--
	}
	e.pastInit = true
}

// put takes back an environment that is ready for a request: the oldest waiting request gets it,
// or it becomes idle and is frozen, or it is shut down because it is of no use any more.
func (f *function) put(e *environment) {
	f.mu.Lock()
	if !e.pastInit {
		f.patience = min(e.initTime, maxPatience)
	}
	f.started(e)
	f.finished(e)
	if e.provisioned {
		f.provisionFailures = 0
	}
	if _, ok := f.live[e]; !ok { // it has died, or is being shut down, since it was ready
		f.mu.Unlock()
		return
	}
	if len(f.waiters) > 0 && f.waiters[0].seq <= e.rev.seq {
		w := f.waiters[0]
		f.waiters = slices.Delete(f.waiters, 0, 1)
		f.mu.Unlock()
		w.got <- handover{env: e}
		return
	}
	if f.gone != nil || e.rev != f.rev {
		if e.inUse() {
			e.displaced(1)
			f.mu.Unlock()
			return
		}
		f.drop(e)
		f.mu.Unlock()
		e.shutdown(StopSpindown)
		return
	}
	// From here on another request may take e: the epoch tells freeze whether one has.
	epoch := e.rest()
	f.idle = append(f.idle, e)
	f.mu.Unlock()
	f.service.freezer.add(e, epoch)
}

// drop takes e out of the pool for good; what waits gets another. The caller holds f.mu.
func (f *function) drop(e *environment) {
	if _, ok := f.live[e]; !ok {
		return
	}
	f.started(e)
	f.finished(e)
	delete(f.live, e)
	if f.tenant != "" {
		f.family.ofTenants.Add(-1)
	}
	f.unlist(e)
	f.counters.running.Add(-1)
	f.balance()
}

// unlist gives e no more requests, in none of its slots. The caller holds f.mu.
func (f *function) unlist(e *environment) {
	n := len(f.idle)
	f.idle = slices.DeleteFunc(f.idle, func(other *environment) bool { return other == e })
	e.displaced(n - len(f.idle))
}

// remove is drop for callers without the lock.
func (f *function) remove(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(e)
}

func (f *function) forgetWaiter(w *waiter) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.waiters, w)
	if i >= 0 {
		f.waiters = slices.Delete(f.waiters, i, i+1)
	}
	return i >= 0
}

// reconfigure changes what does not concern the environments.
func (f *function) reconfigure(cfg Function) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cfg = cfg
	f.balance()
}

// swap makes new environments run cfg. Idle ones are shut down, busy and starting ones when they
// have served the requests that came before.
func (f *function) swap(cfg Function) {
	f.service.code.hold(cfg)
	f.mu.Lock()
	old := f.rev
	f.cfg = cfg
	f.rev = f.revision(old.seq+1, cfg)
	f.starting = 0
	idle := f.clearIdle()
	f.mu.Unlock()
	f.service.code.let(old.cfg)
	f.service.end(idle)
}

// clearIdle takes all idle environments out of the pool. The caller holds f.mu.
func (f *function) clearIdle() (idle []*environment) {
	for _, e := range slices.Clone(f.idle) {
		if e.inUse() {
			f.unlist(e)
			continue
		}
		idle = append(idle, e)
		f.drop(e)
	}
	return idle
}

// reap shuts down the environments that have been idle since before, but for provisioned ones.
func (f *function) reap(before time.Time) {
	f.mu.Lock()
	var old []*environment
	for _, e := range f.idle {
		if e.idleSince.Before(before) && !e.provisioned && !e.inUse() {
			old = append(old, e)
		}
	}
	for _, e := range old {
		f.drop(e)
	}
	f.mu.Unlock()
	f.service.end(old)
}

// spinDown shuts down what is idle; provisioned environments are started anew.
func (f *function) spinDown() {
	f.mu.Lock()
	idle := f.clearIdle()
	f.mu.Unlock()
	f.service.end(idle)
}

// retire admits no more requests, answering them with reason; those that were admitted are served.
func (f *function) retire(reason error) {
	f.mu.Lock()
	f.gone = reason
	idle, rev := f.clearIdle(), f.rev
	f.mu.Unlock()
	if f.missing == nil {
		f.service.code.let(rev.cfg)
	}
	f.service.end(idle)
}

// close cuts everything off: waiting requests get reason, environments are shut down.
func (f *function) close(reason error) {
	f.mu.Lock()
	f.gone = reason
	waiters := f.waiters
	f.waiters = nil
	live := make([]*environment, 0, len(f.live))
	for e := range f.live {
		live = append(live, e)
	}
	for _, e := range live {
		f.drop(e)
	}
	f.mu.Unlock()
	for _, w := range waiters {
		w.got <- handover{err: reason}
	}
	f.service.end(live)
}

// empty says that no environment is left.
func (f *function) empty() bool {
	left := 0
	f.each(func(pool *function) {
		pool.mu.Lock()
		defer pool.mu.Unlock()
		left += len(pool.live)
	})
	return left == 0
}

// working says that requests wait or environments are busy.
func (f *function) working() bool {
	waiting := 0
	f.each(func(pool *function) {
		pool.mu.Lock()
		defer pool.mu.Unlock()
		waiting += len(pool.waiters)
	})
	return waiting > 0 || f.counters.busy.Load() > 0
}
