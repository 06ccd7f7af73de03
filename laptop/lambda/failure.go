package lambda

import (
	"cmp"
	"time"
)

// overrun ends an invocation that has used up the function's timeout. If the caller has its answer
// already, it was the extensions that took too long, and the environment is reset all the same.
func (e *environment) overrun(inv *invocation) {
	e.mu.Lock()
	if e.managed != nil {
		useless := e.overrunManaged(inv)
		e.mu.Unlock()
		if useless {
			e.function.remove(e)
		} else {
			e.offer()
		}
		return
	}
	if e.inv != inv {
		e.mu.Unlock()
		return
	}
	e.function.counters.timeouts.Add(1)
	f := timedOut(e.rev.cfg.Timeout)
	e.process.output.drain()
	e.log.timeout(inv, f)
	e.answer(inv, f.answer(inv.id))
	e.conclude("timeout", "Sandbox.Timedout")
	e.stop(StopTimeout)
	e.mu.Unlock()
	e.function.remove(e)
}

// initTimedOut ends an init phase that has used up its limit.
func (e *environment) initTimedOut() {
	e.failInit(timedOut(e.initLimit()), StopTimeout)
}

// giveUp ends the environment because the runtime or an extension has reported a fatal error.
func (e *environment) giveUp(f failure) {
	if e.failInit(f, StopFailure) {
		return
	}
	e.mu.Lock()
	if e.phase == stopping {
		e.mu.Unlock()
		return
	}
	e.abort(f)
	e.stop(StopFailure)
	e.mu.Unlock()
	e.function.remove(e)
}

// initLimit is how long the init phase may take: 10 s and, when it is tried again with an invocation
// waiting for it, as long as the invocation. Where none need wait, with provisioned concurrency and on
// Managed Instances, it is longInit at least, or the function's timeout if that is more. See "Init phase" in
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html and
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
func (e *environment) initLimit() time.Duration {
	const longInit = 130 * time.Second
	switch {
	case e.managed != nil, e.initType == provisionedConcurrency && !e.retried:
		return max(longInit, e.rev.cfg.Timeout)
	case e.retried:
		return e.rev.cfg.Timeout
	}
	return e.function.service.cfg.initTimeout
}

// failInit ends an environment that is in its init phase, and reports whether it was. If a request
// waits for it, another one takes its place; if that has been done, the request gets the failure.
// See "Failures during the Init phase" in
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func (e *environment) failInit(f failure, reason StopReason) bool {
	e.mu.Lock()
	if e.phase != starting {
		e.mu.Unlock()
		return false
	}
	if e.process != nil {
		e.process.output.drain()
	}
	status := "error"
	if reason == StopTimeout {
		status = "timeout"
	}
	if !e.runtimeReady {
		e.tellInitRuntimeDone(status, cmp.Or(f.reported, f.kind))
	}
	e.tellInitReport(status, cmp.Or(f.reported, f.kind))
	// Nobody else ends it from here on; and its place is taken before its process is gone, after
	// which the pool would fill it in another way.
	e.phase = stopping
	e.mu.Unlock()
	again := e.function.retry(e)
	e.mu.Lock()
	e.stop(reason)
	e.mu.Unlock()
	e.log.initReport(f, e.started, reason, e.retried)
	if again {
		return true
	}
	if w := e.function.failedInit(e); w != nil {
		e.function.counters.initErrors.Add(1)
		a := f.answer(w.inv.id)
		e.tellInitFailed(w.inv, f, reason)
		w.got <- handover{err: &initFailure{a}}
	}
	return true
}

// exited is told how the process ended, and whether that was the system's doing for its memory.
func (e *environment) exited(status exitStatus, outOfMemory bool) {
	f := failure{kind: "Runtime.ExitError", message: "Runtime exited without providing a reason"}
	if status != "" {
		f.message = "Runtime exited with error: " + string(status)
	}
	e.mu.Lock()
	if e.outOfMemory || outOfMemory {
		f.reported = "Runtime.OutOfMemory"
	}
	e.mu.Unlock()
	if e.failInit(f, StopExit) {
		return
	}
	e.mu.Lock()
	if e.phase != stopping {
		e.abort(f)
		e.stop(StopExit)
	}
	e.mu.Unlock()
	e.function.remove(e)
}

// abort ends the invocation that is under way, if there is one. The caller holds e.mu.
func (e *environment) abort(f failure) {
	e.abortManaged(f)
	inv := e.inv
	if inv == nil {
		return
	}
	e.process.output.drain()
	e.log.failure(inv, f)
	e.answer(inv, f.answer(inv.id))
	e.conclude("error", cmp.Or(f.reported, f.kind))
}

// tellInitFailed writes the lines of the request that waited for an environment which did not start.
func (e *environment) tellInitFailed(inv *invocation, f failure, reason StopReason) {
	r := report{inv: inv, duration: time.Since(e.started), memorySize: e.rev.cfg.MemorySize, status: "error", kind: cmp.Or(f.reported, f.kind), held: e.box.memoryLimit()}
	e.mu.Lock()
	if e.process != nil {
		r.memory = e.process.peakMemory(time.Now())
	}
	e.mu.Unlock()
	if reason == StopTimeout {
		r.status, r.duration = "timeout", e.initLimit() // to the millisecond, as in environment.report
	}
	e.log.start(inv)
	if e.log.json != nil { // the Telemetry API is closed
		inv.start = e.started
		e.tellStart(inv)
		e.mu.Lock()
		e.tellReport(r)
		e.mu.Unlock()
	}
	if reason == StopTimeout {
		e.log.timeout(inv, f)
	} else {
		e.log.failure(inv, f)
	}
	e.log.end(r)
}
