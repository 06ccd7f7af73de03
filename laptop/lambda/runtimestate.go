package lambda

import (
	"net/http"
	"time"
)

// runtimeState is where the runtime stands with an invocation, in the words in which the Runtime
// API refuses a call that does not fit. The calls that it takes in each state are those of AWS's
// own Runtime Interface Emulator, https://github.com/aws/aws-lambda-runtime-interface-emulator
type runtimeState string

// The states of the runtime; next gives the event again as long as it is Running.
const (
	runtimeReady    runtimeState = "Ready" // it has not been given the event yet
	runtimeRunning  runtimeState = "Running"
	runtimeAnswers  runtimeState = "InvocationResponse"
	runtimeFails    runtimeState = "InvocationErrorResponse"
	runtimeAnswered runtimeState = "RuntimeResponseSentState"

	// These two are not states of an invocation.
	runtimeStarted   runtimeState = "Started"
	runtimeInitError runtimeState = "InitError"
)

// claim lets the runtime begin to answer the invocation id, in the way of to. It answers for itself
// and returns nil if the invocation is not the current one or has an answer, or the beginning of one.
func (e *environment) claim(w http.ResponseWriter, id string, to runtimeState) *invocation {
	e.mu.Lock()
	inv := e.inv
	if e.managed != nil {
		inv = e.managed.invocations[id]
		if e.managed.late(id) {
			e.mu.Unlock()
			accept(w)
			return nil
		}
	}
	if inv == nil || inv.id != id {
		e.mu.Unlock()
		refuseID(w)
		return nil
	}
	from := inv.state
	if from == runtimeRunning {
		inv.state = to
		if e.tells() {
			inv.answerBegan = inv.now()
		}
	}
	e.mu.Unlock()
	if from != runtimeRunning {
		refuseTransition(w, from, to)
		return nil
	}
	return inv
}

// respond ends what claim has begun, and says so to the runtime; too late if the invocation has
// ended in the meantime. Whoever has taken more memory than there is gets no answer through: on Lambda
// there would be none.
func (e *environment) respond(w http.ResponseWriter, inv *invocation, a answer) {
	if time.Since(inv.start) > quick && e.process.overMemory(e.rev.cfg.MemorySize<<20) {
		e.endOutOfMemory(e.process)
		<-e.gone // the caller is told by then
		return
	}
	if e.conveys(w, inv, a) {
		accept(w)
	} else {
		refuseID(w)
	}
}

// conveys gives the caller its answer, and reports whether it was still waiting for one.
func (e *environment) conveys(w http.ResponseWriter, inv *invocation, a answer) bool {
	ok := e.convey(inv, a)
	if ok && e.managed != nil {
		afterwards(w, e.offer) // another request that the runtime has open may have its turn
	}
	return ok
}

func (e *environment) convey(inv *invocation, a answer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inv != inv && !e.managed.has(inv) || inv.answered {
		return false
	}
	inv.state = runtimeAnswered
	if e.tells() {
		inv.answerEnded = inv.now()
		if inv.produced == 0 {
			inv.produced = int64(len(a.payload))
		}
	}
	if e.managed == nil {
		e.function.finishes(e)
	}
	e.answer(inv, a)
	if inv.cut != nil {
		close(inv.cut.answered)
	}
	if e.managed != nil { // there is nothing to wait for
		e.tellRuntimeDone(inv, inv.now(), "", "")
		delete(e.managed.invocations, inv.id)
		e.report(inv, "", "")
	}
	return true
}

func refuseID(w http.ResponseWriter) {
	refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
}

func refuseTransition(w http.ResponseWriter, from, to runtimeState) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		"State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to)
}
