package lambda

import (
	"slices"
	"syscall"
	"time"
)

// grace is what the processes of an environment have between SIGTERM and SIGKILL: nothing without
// extensions, 500 ms where all are internal, 2 s where one is external. The caller holds e.mu. See
// "Shutdown phase" in https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func (e *environment) grace() time.Duration {
	switch {
	case len(e.extensions) == 0:
		return 0
	case slices.ContainsFunc(e.extensions, func(x *extension) bool { return x.external }):
		return 2 * time.Second
	}
	return 500 * time.Millisecond
}

// shutdown ends the process: at once, or after SIGTERM and a grace when it has an extension.
func (e *environment) shutdown(reason StopReason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == stopping {
		return
	}
	if e.inv != nil { // Close has run out of patience
		e.answer(e.inv, failure{kind: "Sandbox.Failure", message: "the execution environment was shut down"}.answer(e.inv.id))
		e.conclude("error", "Sandbox.Failure")
	}
	e.abortManaged(failure{kind: "Sandbox.Failure", message: "the execution environment was shut down"})
	e.stop(reason)
}

// stop is shutdown's second half. The caller holds e.mu.
func (e *environment) stop(reason StopReason) {
	e.phase = stopping
	e.reason, e.stoppedAt = reason, time.Now()
	close(e.halted)
	if e.initTimer != nil {
		e.initTimer.Stop()
	}
	p := e.process
	if p == nil {
		return // start looks at the phase
	}
	e.thaw()
	grace := e.grace()
	if grace == 0 {
		p.signal(syscall.SIGKILL)
		return
	}
	e.keepAlive = e.function.service.cfg.killAt(e.stoppedAt.Add(e.runtimeGrace()), func() { p.signal(syscall.SIGKILL) })
	if reason == StopExit || !e.telemetry.subscribed() {
		p.signal(syscall.SIGTERM)
		return
	}
	end := e.stoppedAt.Add(e.runtimeGrace() / 2)
	e.watchers.Go(func() {
		e.telemetry.flushUntil(end)
		p.signal(syscall.SIGTERM)
	})
}
