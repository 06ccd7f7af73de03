package lambda

import (
	"slices"
	"strings"
)

// extension is an internal extension, which is a part of the function's own process, or an external
// one, which is a process. What is below the line is guarded by the environment's mutex.
type extension struct {
	id, name string
	external bool
	events   chan *invocation // buffered: the INVOKE event that its next answers
	down     chan shutdown    // buffered: the SHUTDOWN event, nil unless it is external

	process   *process      // of an external one, nil if it could not be started
	ended     chan struct{} // closed when the process is gone
	invoke    bool          // it wants INVOKE events
	shutdown  bool          // it wants SHUTDOWN events
	state     extensionState
	errorType string // in the states of an error
	ready     bool   // it has asked for its next event
	owed      bool   // there is an event that it has not been given yet
	poll      *poll
}

// extensionState is where an extension stands, in the words in which the Extensions API refuses a
// call that does not fit and in which its log line says how it has started.
type extensionState string

// The states of an extension. A new one that is internal has registered already.
const (
	extensionStarted     extensionState = "Started"
	extensionRegistered  extensionState = "Registered"
	extensionReady       extensionState = "Ready"
	extensionRunning     extensionState = "Running"
	extensionInitError   extensionState = "InitError"
	extensionExitError   extensionState = "ExitError"
	extensionExited      extensionState = "Exited"
	extensionLaunchError extensionState = "LaunchError"
)

// may says that a call leads from one state to another.
func (from extensionState) may(to extensionState) bool {
	switch to {
	case extensionRegistered:
		return from == extensionStarted
	case extensionReady:
		return from == extensionRegistered || from == extensionRunning
	case extensionInitError:
		return from == extensionRegistered || from == to
	case extensionExitError:
		return from == extensionRegistered || from == extensionReady || from == extensionRunning || from == to
	}
	return false
}

// wants are the events that the extension has registered for. The caller holds e.mu.
func (x *extension) wants() []string {
	wants := []string{}
	if x.invoke {
		wants = append(wants, "INVOKE")
	}
	if x.shutdown {
		wants = append(wants, "SHUTDOWN")
	}
	return wants
}

// refusal is an answer of 403.
type refusal struct{ kind, message string }

// transition is the refusal of a call that does not fit the state.
func transition(from, to extensionState, name string) *refusal {
	return &refusal{"Extension.InvalidExtensionState", "State transition from " + string(from) + " to " + string(to) +
		" failed for extension " + name + ". Error: State transition is not allowed"}
}

// admit takes in an extension that registers: the external one of that name, or a new internal one.
// The name of an external extension is its file's.
func (e *environment) admit(name string, events []string) (*extension, *refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.extensions, func(x *extension) bool { return x.name == name })
	external := i >= 0 && e.extensions[i].external
	for _, event := range events {
		switch {
		case event == "INVOKE" && e.managed != nil:
			return nil, &refusal{"Extension.InvalidEventType", event + ": Lambda Managed Instances have no such event"}
		case event == "SHUTDOWN" && !external:
			return nil, &refusal{"Extension.InvalidEventType", event + ": ShutdownEventNotSupportedForInternalExtension"}
		case event != "INVOKE" && event != "SHUTDOWN":
			return nil, &refusal{"Extension.InvalidEventType", event + ": InvalidEventType"}
		}
	}
	var x *extension
	switch {
	case external:
		x = e.extensions[i]
		if !x.state.may(extensionRegistered) {
			return nil, transition(x.state, extensionRegistered, name)
		}
		x.state = extensionRegistered
		select {
		case e.registered <- struct{}{}:
		default: // startExtensions has yet to look after the one before
		}
	case e.phase != starting || e.runtimeReady:
		return nil, &refusal{"Extension.RegistrationClosed", "Extension registration closed already"}
	case len(e.extensions) >= maxExtensions:
		return nil, &refusal{"Extension.TooManyExtensions", "Extension limit (10) reached"}
	case i >= 0:
		return nil, &refusal{"Extension.InvalidExtensionState", "Extension with this name already registered"}
	default:
		x = newExtension(name, extensionRegistered)
		e.extensions = append(e.extensions, x)
	}
	x.invoke, x.shutdown = slices.Contains(events, "INVOKE"), slices.Contains(events, "SHUTDOWN")
	return x, nil
}

// tellExtensions writes how the extensions have started into the log, in the form
//
//	EXTENSION	Name: agent	State: Ready	Events: [INVOKE, SHUTDOWN]
//
// and as events of the Telemetry API. The caller holds e.mu.
func (e *environment) tellExtensions() {
	for _, x := range e.extensions {
		line := "EXTENSION\tName: " + x.name + "\tState: " + string(x.state) + "\tEvents: [" + strings.Join(x.wants(), ", ") + "]"
		if x.errorType != "" {
			line += "\tError Type: " + x.errorType
		}
		e.log.platform(line)
		level := levelInfo
		if x.errorType != "" {
			level = levelWarn
		}
		e.tell("extension", extensionRecord{x.name, string(x.state), x.wants(), x.errorType}, level)
	}
}
