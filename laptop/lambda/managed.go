package lambda

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// ManagedInstances asks for Lambda Managed Instances: LambdaManagedInstancesCapacityProviderConfig in
// CapacityProviderConfig of the API. An environment then has several invocations at once and is
// never frozen, and one that overruns is answered but not stopped. See
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
// and https://docs.aws.amazon.com/lambda/latest/api/API_LambdaManagedInstancesCapacityProviderConfig.html
type ManagedInstances struct {
	// CapacityProviderARN names the capacity provider, of which there is none here: it is only told.
	CapacityProviderARN string
	// MaxConcurrency is how many invocations an environment may have at once, 1 to 1600:
	// PerExecutionEnvironmentMaxConcurrency. It must be said: AWS names a default for Rust alone, 8 for each
	// vCPU, and Go not among the languages. See
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-rust.html and
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html
	MaxConcurrency int
	// MemoryGiBPerVCPU is ExecutionEnvironmentMemoryGiBPerVCpu, 2 to 8, or 0 if it is not said. It is
	// only told: a process here has the whole machine.
	MemoryGiBPerVCPU float64
}

func (m *ManagedInstances) equal(other *ManagedInstances) bool {
	return m == other || m != nil && other != nil && *m == *other
}

// What a function on Managed Instances has at least, in MB: "2GB and 1 vCPU" in
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-best-practices.html, and at most:
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html#lambda-CreateFunction-request-MemorySize
const (
	minManagedMemory = 2048
	maxManagedMemory = 32_768
)

// validateManaged refuses what Managed Instances do not have. Of the OS-only runtimes they have provided.al2023:
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html
func (f Function) validateManaged() error {
	m := f.ManagedInstances
	switch {
	case m == nil:
		return nil
	case f.Runtime != "provided.al2023":
		return awsproto.Errorf("InvalidParameterValueException", "CapacityProviderConfig: runtime %s: Managed Instances run provided.al2023", f.Runtime)
	case f.MemorySize < minManagedMemory || f.MemorySize > maxManagedMemory:
		return awsproto.Errorf("InvalidParameterValueException",
			"CapacityProviderConfig: memory size %d MB: on Managed Instances %d to %d", f.MemorySize, minManagedMemory, maxManagedMemory)
	case m.CapacityProviderARN == "":
		return awsproto.Errorf("InvalidParameterValueException", "CapacityProviderConfig: CapacityProviderArn is missing")
	case m.MaxConcurrency < 1 || m.MaxConcurrency > 1600:
		return awsproto.Errorf("InvalidParameterValueException",
			"CapacityProviderConfig: PerExecutionEnvironmentMaxConcurrency of %d: 1 to 1600", m.MaxConcurrency)
	case m.MemoryGiBPerVCPU != 0 && (m.MemoryGiBPerVCPU < 2 || m.MemoryGiBPerVCPU > 8):
		return awsproto.Errorf("InvalidParameterValueException",
			"CapacityProviderConfig: ExecutionEnvironmentMemoryGiBPerVCpu of %g: 2 to 8", m.MemoryGiBPerVCPU)
	}
	return nil
}

// slots is how many invocations an environment may have at once.
func (f Function) slots() int {
	if f.ManagedInstances != nil {
		return f.ManagedInstances.MaxConcurrency
	}
	return 1
}

func (f Function) initializationType() string {
	if f.ManagedInstances != nil {
		return "lambda-managed-instances"
	}
	return onDemand
}

// managed is what an environment of Managed Instances has in place of inv, poll and epoch. Its phase
// is never busy. It is in the pool once for each invocation that it could take: see offer. The
// environment's mutex guards it, and its methods allow for nil.
//
// An invocation that has overrun counts no more: its code may still run, but its worker gets no
// other before it asks for one.
type managed struct {
	limit       int                    // of invocations at once
	invocations map[string]*invocation // by id, until they are answered
	polls       []chan *invocation     // the requests for an event that wait, the oldest first; each has room for one
	queue       []*invocation          // for which no request waits
	offered     int                    // places in the pool, and those that a request has taken and not begun with
	overrun     map[string]bool        // by id: what the code still answers is thrown away
}

func newManaged(cfg Function) *managed {
	if cfg.ManagedInstances == nil {
		return nil
	}
	return &managed{limit: cfg.slots(), invocations: map[string]*invocation{}, overrun: map[string]bool{}}
}

func (m *managed) has(inv *invocation) bool { return m != nil && m.invocations[inv.id] == inv }

// late says, once, that the invocation id has overrun, and that its code now answers.
func (m *managed) late(id string) bool {
	late := m != nil && m.overrun[id]
	if late {
		delete(m.overrun, id)
	}
	return late
}

// give gives inv to the request that has waited for longest, or keeps it for the next one.
func (m *managed) give(inv *invocation) {
	if len(m.polls) == 0 {
		m.queue = append(m.queue, inv)
		return
	}
	p := m.polls[0]
	m.polls = slices.Delete(m.polls, 0, 1)
	p <- inv // p is among polls only while it is empty
}

// ask has p wait for an event.
func (m *managed) ask(p chan *invocation) {
	m.polls = append(m.polls, p)
	if len(m.queue) > 0 {
		inv := m.queue[0]
		m.queue = slices.Delete(m.queue, 0, 1)
		m.give(inv)
	}
}

// forget ends the wait of p, and returns the event that it has been given already, if any.
func (m *managed) forget(p chan *invocation) *invocation {
	m.polls = slices.DeleteFunc(m.polls, func(other chan *invocation) bool { return other == p })
	select {
	case inv := <-p:
		return inv
	default:
		return nil
	}
}

// inUse says that an environment has invocations beside those that its places in the pool are for.
func (e *environment) inUse() bool {
	if e.managed == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.managed.invocations) > 0
}

// beginManaged is begin. The caller holds e.mu.
func (e *environment) beginManaged(inv *invocation) {
	e.managed.offered--
	e.managed.invocations[inv.id] = inv
	inv.cold, e.used = !e.used, true
	inv.start = time.Now()
	inv.deadline = inv.start.Add(e.rev.cfg.Timeout)
	inv.timer = time.AfterFunc(e.rev.cfg.Timeout, func() { e.overrun(inv) })
	e.function.counters.invocations.Add(1)
	e.function.counters.busy.Add(1)
	e.log.start(inv)
	e.log.commit()
	e.tellStart(inv)
	e.managed.give(inv)
}

// nextManaged is runtimeNext. A request whose client has gone waits no more.
func (e *environment) nextManaged(w http.ResponseWriter) {
	p := make(chan *invocation, 1)
	e.mu.Lock()
	if e.phase == starting && !e.runtimeReady {
		e.tellInitRuntimeDone("", "")
	}
	e.runtimeReady = true
	e.managed.ask(p)
	e.mu.Unlock()
	e.settle()

	left, unwatch := watch(w)
	for {
		var inv *invocation
		gone := false
		select {
		case inv = <-p:
		case <-left:
			gone = true
		case <-e.gone:
			unwatch()
			return
		}
		e.mu.Lock()
		if gone {
			inv = e.managed.forget(p)
		}
		if inv != nil && !e.managed.has(inv) { // it has overrun on its way
			inv = nil
			if !gone {
				e.managed.ask(p)
				e.mu.Unlock()
				e.offer()
				continue
			}
		}
		if c, ok := w.(connected); gone || ok && c.peerGone() {
			if inv != nil {
				e.managed.give(inv)
			}
			e.mu.Unlock()
			unwatch()
			e.offer()
			return
		}
		inv.state = runtimeRunning
		e.mu.Unlock()
		unwatch()
		writeEvent(w, inv)
		return
	}
}

// overrunManaged answers for an invocation that has used up the function's timeout. Its code goes
// on, and what it answers is thrown away. If the runtime has not even asked for it, nor for any
// other, the environment is of no use: it is stopped, and overrunManaged says so. The caller holds e.mu.
func (e *environment) overrunManaged(inv *invocation) (useless bool) {
	m := e.managed
	if !m.has(inv) {
		return false
	}
	e.function.counters.timeouts.Add(1)
	f := timedOut(e.rev.cfg.Timeout)
	e.process.output.drain()
	e.log.timeout(inv, f)
	e.answer(inv, f.answer(inv.id))
	delete(m.invocations, inv.id)
	m.queue = slices.DeleteFunc(m.queue, func(other *invocation) bool { return other == inv })
	e.report(inv, "timeout", "Sandbox.Timedout")
	if inv.state != runtimeReady {
		m.overrun[inv.id] = true
		return false
	}
	useless = len(m.polls)+len(m.invocations) == 0
	if useless {
		e.stop(StopTimeout)
	}
	return useless
}

// abortManaged ends all invocations. The caller holds e.mu.
func (e *environment) abortManaged(f failure) {
	if e.managed == nil {
		return
	}
	e.managed.queue = nil
	for id, inv := range e.managed.invocations {
		e.process.output.drain()
		e.log.failure(inv, f)
		e.answer(inv, f.answer(inv.id))
		delete(e.managed.invocations, id)
		e.report(inv, "error", cmp.Or(f.reported, f.kind))
	}
}
