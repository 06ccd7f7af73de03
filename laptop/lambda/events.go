package lambda

import (
	"fmt"
	"path/filepath"
	"time"
)

// Event is something that happened: one of the types below.
type Event interface{ isEvent() }

// LogLine is one line of a log stream: what a function wrote, or one of Lambda's own lines.
type LogLine struct {
	Function string
	Stream   string // the log stream's name, which identifies the environment
	Time     time.Time
	Line     string // without its newline
	// Routine marks the lines START, END and REPORT, which Lambda itself writes of every
	// invocation. What a function wrote is never routine, whatever it looks like, and neither is
	// what Lambda reports when something went wrong.
	Routine bool
}

// CodeMissing says, when the service is opened, that the folder of a function's code is not there
// or cannot be read. See Open for what becomes of the function.
type CodeMissing struct {
	Function string
	Folder   string
	Err      error // names both
}

// EnvironmentStarted says that a process has been started for a function.
type EnvironmentStarted struct {
	Function string
	Stream   string
	PID      int
}

// EnvironmentReady says that an environment has finished its init phase.
type EnvironmentReady struct {
	Function string
	Stream   string
	Init     time.Duration
}

// EnvironmentStopped says that an environment's process is gone.
type EnvironmentStopped struct {
	Function string
	Stream   string
	Reason   StopReason
}

// StopReason is why an environment ended. The first three are Lambda's own words.
type StopReason string

// The reasons.
const (
	StopSpindown StopReason = "spindown" // idle for long, replaced by a newer one, or Lambda is closing
	StopTimeout  StopReason = "timeout"  // an invocation or the init phase took too long
	StopFailure  StopReason = "failure"  // an init error, or an extension that gave up
	StopExit     StopReason = "exit"     // the process ended by itself
)

// InvocationDone says that an invocation is over, its extensions included.
type InvocationDone struct {
	Function  string
	Stream    string
	RequestID string
	Duration  time.Duration
	Cold      bool   // it was its environment's first
	ErrorType string // empty after a success
}

// FunctionURLChanged says that a function URL was made, changed or deleted. Its address is not in it:
// Config.FunctionURL has it. Whoever is told must not
// change the service from within Config.Events.
type FunctionURLChanged struct {
	URL     FunctionURL
	Deleted bool
}

// EventProblem says that an asynchronous invocation was given up and that no function was told,
// because none is configured or it could not be; or else what is wrong with the queue.
type EventProblem struct {
	Function  string // with its qualifier, if there is one
	RequestID string
	Condition string // RetriesExhausted, EventAgeExceeded, ZeroReservedConcurrency, or a sentence
	Attempts  int    // that were made
	Err       error  // nil if it is the function that has failed
}

// Error makes an error of it, for where problems are told.
func (e EventProblem) Error() string {
	text := fmt.Sprintf("the asynchronous invocation %s of function %s: %s, after %d attempts", e.RequestID, e.Function, e.Condition, e.Attempts)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the error that it is about, if there is one.
func (e EventProblem) Unwrap() error { return e.Err }

// SetAside says that a file of the state cannot be read: a function's, a layer's or that of an
// asynchronous invocation. What it held is not there, and everything else goes on.
type SetAside struct {
	What string // that it held, as in "an asynchronous invocation"
	File string // as it was called
	To   string // as it is called now; empty if it could not be renamed, and will be met again
	Err  error  // why it cannot be read or renamed
}

// Error makes an error of it, for where problems are told.
func (e SetAside) Error() string {
	if e.To == "" {
		return fmt.Sprintf("%s cannot be read and is left out; see to %s: %v", e.What, e.File, e.Err)
	}
	return fmt.Sprintf("%s cannot be read and is set aside as %s; mended, it is back at the next start under the name %s: %v",
		e.What, e.To, filepath.Base(e.File), e.Err)
}

// Unwrap returns why.
func (e SetAside) Unwrap() error { return e.Err }

func (FunctionURLChanged) isEvent() {}
func (EventProblem) isEvent()       {}
func (SetAside) isEvent()           {}
func (LogLine) isEvent()            {}
func (CodeMissing) isEvent()        {}
func (EnvironmentStarted) isEvent() {}
func (EnvironmentReady) isEvent()   {}
func (EnvironmentStopped) isEvent() {}
func (InvocationDone) isEvent()     {}
