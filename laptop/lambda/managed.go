package lambda

import (
	"net/http"
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
	CapacityProviderARN string `json:"CapacityProviderArn"`
	// MaxConcurrency is how many invocations an environment may have at once, 1 to 1600:
	// PerExecutionEnvironmentMaxConcurrency. It must be said: AWS names no default for OS-only runtimes.
	MaxConcurrency int `json:"PerExecutionEnvironmentMaxConcurrency"`
	// MemoryGiBPerVCPU is ExecutionEnvironmentMemoryGiBPerVCpu, 2 to 8, or 0 if it is not said. It is
	// only told: a process here has the whole machine.
	MemoryGiBPerVCPU float64 `json:"ExecutionEnvironmentMemoryGiBPerVCpu,omitempty"`
}

// capacityProviderConfig is CapacityProviderConfig of the API.
type capacityProviderConfig struct {
	LambdaManagedInstancesCapacityProviderConfig *ManagedInstances
}

func (m *ManagedInstances) equal(other *ManagedInstances) bool {
	return m == other || m != nil && other != nil && *m == *other
}

func (m *ManagedInstances) validate() error {
	switch {
	case m == nil:
		return nil
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
// is never busy. Each of the runtime's requests for an event that waits is a slot: it puts the
// environment into the pool once more, from where each invocation takes it once. So a worker
// whose invocation has overrun gets no other before it asks for one. The environment's mutex
// guards it, and its methods allow for nil.
type managed struct {
	invocations map[string]*invocation // by id, until they are answered
	waiting     int                    // requests for an event that the pool does not know yet
	returned    int                    // events whose request had gone, and that wait for another
	overrun     map[string]bool        // by id: what the code still answers is thrown away
}

func newManaged(cfg Function) *managed {
	if cfg.ManagedInstances == nil {
		return nil
	}
	return &managed{invocations: map[string]*invocation{}, overrun: map[string]bool{}}
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

// take takes the requests that the pool does not know yet, in a phase in which it may know them.
func (m *managed) take(now phase) (n int) {
	if m == nil || now == stopping {
		return 0
	}
	n, m.waiting = m.waiting, 0
	return n
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
	e.work <- inv // there is room for as many as there are slots
}

// nextManaged is runtimeNext.
func (e *environment) nextManaged(w http.ResponseWriter) {
	e.mu.Lock()
	if e.phase == starting && !e.runtimeReady {
		e.tellInitRuntimeDone("", "")
	}
	e.runtimeReady = true
	if e.managed.returned > 0 {
		e.managed.returned--
	} else {
		e.managed.waiting++
	}
	e.mu.Unlock()
	e.settle()

	var inv *invocation
	select {
	case inv = <-e.work:
	case <-e.gone:
		return
	}
	e.mu.Lock()
	if c, ok := w.(interface{ peerGone() bool }); ok && c.peerGone() {
		e.managed.returned++
		e.work <- inv
		e.mu.Unlock()
		return
	}
	inv.state = runtimeRunning
	e.mu.Unlock()
	writeEvent(w, inv)
}

// overrunManaged answers for an invocation that has used up the function's timeout. Its code goes
// on, and what it answers is thrown away. The caller holds e.mu.
func (e *environment) overrunManaged(inv *invocation) {
	if !e.managed.has(inv) {
		return
	}
	e.function.counters.timeouts.Add(1)
	f := timedOut(e.rev.cfg.Timeout)
	e.process.output.drain()
	e.log.timeout(inv, f)
	e.answer(inv, f.answer(inv.id))
	delete(e.managed.invocations, inv.id)
	e.managed.overrun[inv.id] = true
	e.report(inv, "timeout", "Sandbox.Timedout")
}

// abortManaged ends all invocations. The caller holds e.mu.
func (e *environment) abortManaged(f failure) {
	if e.managed == nil {
		return
	}
	for id, inv := range e.managed.invocations {
		e.process.output.drain()
		e.log.failure(inv, f)
		e.answer(inv, f.answer(inv.id))
		delete(e.managed.invocations, id)
		e.report(inv, "error", f.kind)
	}
}
