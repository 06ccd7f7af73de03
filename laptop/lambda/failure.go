package lambda

import (
	"errors"
	"io/fs"
	"syscall"
)

// overrun ends an invocation that has used up the function's timeout. If the caller has its answer
// already, it was the extensions that took too long, and the environment is reset all the same.
func (e *environment) overrun(inv *invocation) {
	e.mu.Lock()
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
	e.failInit(timedOut(e.function.service.cfg.initTimeout), StopTimeout)
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

// failInit ends an environment that is in its init phase, and reports whether it was. The request
// for which it was started gets the failure.
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
		e.tellInitRuntimeDone(status, f.kind)
	}
	e.tellInitReport(status, f.kind)
	e.stop(reason)
	e.mu.Unlock()
	e.log.initReport(f, e.started, reason)
	if w := e.function.failedInit(e); w != nil {
		e.function.counters.initErrors.Add(1)
		a := f.answer(w.inv.id)
		e.log.initFailed(w.inv, f, e.started, e.rev.cfg.MemorySize)
		w.got <- handover{err: &initFailure{a}}
	}
	return true
}

// exited is told how the process ended.
func (e *environment) exited(status exitStatus) {
	f := failure{kind: "Runtime.ExitError", message: "Runtime exited without providing a reason"}
	if status != "" {
		f.message = "Runtime exited with error: " + string(status)
	}
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
	inv := e.inv
	if inv == nil {
		return
	}
	e.process.output.drain()
	e.log.failure(inv, f)
	e.answer(inv, f.answer(inv.id))
	e.conclude("error", f.kind)
}

// entrypointMessage says in Lambda's words why bootstrap could not be run.
func entrypointMessage(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
	case errors.Is(err, syscall.ENOEXEC):
		return "fork/exec /var/task/bootstrap: exec format error"
	case errors.Is(err, fs.ErrPermission):
		return "fork/exec /var/task/bootstrap: permission denied"
	default:
		return err.Error()
	}
}
