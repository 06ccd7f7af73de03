package lambda

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// What an external extension does not find of the function's environment, see "Environment variables" in
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
func hiddenFromExtensions(name string) bool {
	switch name {
	case "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
		"AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT":
		return true
	}
	return strings.HasPrefix(name, "_")
}

// extensionVariables are those of the function's variables that an external extension finds.
func extensionVariables(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return hiddenFromExtensions(name)
	})
}

func newExtension(name string, state extensionState) *extension {
	return &extension{id: awsproto.NewID(), name: name, state: state, events: make(chan *invocation, 1)}
}

// errLaunch is an external extension that could not be started.
type errLaunch struct {
	name string
	err  error
	hint string
}

func (e *errLaunch) Error() string {
	return "extension " + e.name + ": " + e.err.Error() + ": " + e.hint
}

var errTooManyExtensions = errors.New("extension limit (" + strconv.Itoa(maxExtensions) + ") reached")

// startExtensions starts the files in the folder extensions of the function's layers, and returns
// when all of them have registered, which is before the runtime is started.
func (e *environment) startExtensions(runtimeAPI string) error {
	if e.rev.opt == "" {
		return nil
	}
	dir := filepath.Join(e.rev.opt, "extensions")
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &errLaunch{"*", err, "the layers' extensions are the files of a folder"}
	}
	s := e.function.service
	e.mu.Lock()
	if e.phase == starting {
		e.initTimer = time.AfterFunc(e.initLimit()-time.Since(e.started), e.initTimedOut)
	}
	e.mu.Unlock()
	env := extensionVariables(e.variables(s.code.path(e.rev.cfg.CodeSHA256), runtimeAPI))
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		if err := e.startExtension(filepath.Join(e.box.opt, "extensions", file.Name()), env); err != nil {
			return err
		}
	}
	for !e.allRegistered() {
		select {
		case <-e.registered:
		case <-e.halted:
			return errStopped
		}
	}
	return nil
}

// startExtension starts one.
func (e *environment) startExtension(path string, env []string) error {
	x := newExtension(filepath.Base(path), extensionStarted)
	x.external, x.down, x.ended = true, make(chan shutdown, 1), make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == stopping {
		return errStopped
	}
	e.extensions = append(e.extensions, x)
	if len(e.extensions) > maxExtensions {
		x.state, x.errorType = extensionLaunchError, "TooManyExtensions"
		return &errLaunch{x.name, errTooManyExtensions, "leave some out of the function's layers"}
	}
	output, err := newOutput(&extensionLog{log: e.log})
	if err != nil {
		return err
	}
	p, err := e.function.service.spawner.start(command{path: path, dir: "/", env: env, in: e.box}, output)
	if err != nil {
		output.close()
		x.state, x.errorType = extensionLaunchError, "UnknownError"
		if errors.Is(err, fs.ErrPermission) {
			x.errorType = "PermissionDenied"
		}
		return &errLaunch{x.name, err, "is it an executable for this machine, with the permission to be run?"}
	}
	x.process = p
	p.complain(e.log)
	e.watchers.Go(func() {
		e.extensionExited(x, p.wait())
		p.output.close()
		close(x.ended)
	})
	return nil
}

// launchFailure is the failure of startExtensions.
func launchFailure(err error) failure {
	return failure{kind: "Extension.LaunchError", message: err.Error()}
}

func (e *environment) allRegistered() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !slices.ContainsFunc(e.extensions, func(x *extension) bool { return x.state == extensionStarted })
}

// extensionExited is told how the process of an external extension ended.
func (e *environment) extensionExited(x *extension, status exitStatus) {
	e.mu.Lock()
	reported := x.state == extensionInitError || x.state == extensionExitError
	expected := reported || e.phase == stopping
	if !reported {
		x.state = extensionExited
	}
	e.mu.Unlock()
	e.telemetry.forget(x.name)
	if !expected {
		e.giveUp(failure{kind: "Extension.Crash", message: cmp.Or(string(status), "exit code 0")})
	}
}

// signal sends sig to the groups of all processes. The caller holds e.mu.
func (e *environment) signal(sig syscall.Signal) {
	if e.process != nil {
		e.process.signal(sig)
	}
	for _, x := range e.extensions {
		if x.process != nil {
			x.process.signal(sig)
		}
	}
}

// leads says that a process group is that of one of the processes that signal reaches. The caller
// holds e.mu.
func (e *environment) leads(group int) bool {
	return e.process != nil && e.process.pid == group ||
		slices.ContainsFunc(e.extensions, func(x *extension) bool { return x.process != nil && x.process.pid == group })
}

// shutdown is the SHUTDOWN event.
type shutdown struct {
	reason   StopReason
	deadline time.Time
}

// runtimeGrace is how much of the grace the runtime has, which ends before the external extensions
// are told: see "Shutdown phase" in
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html. The caller holds e.mu.
func (e *environment) runtimeGrace() time.Duration {
	grace := e.grace()
	switch {
	case grace <= 500*time.Millisecond:
		return grace
	case slices.ContainsFunc(e.extensions, func(x *extension) bool { return !x.external }):
		return 500 * time.Millisecond
	}
	return 300 * time.Millisecond
}

// endExtensions ends the external extensions after the runtime: with the SHUTDOWN event and what is
// left of the grace, or at once if they do not want it. It returns when their processes are gone.
func (e *environment) endExtensions() {
	e.mu.Lock()
	end := shutdown{reason: e.reason.inEvent(), deadline: e.stoppedAt.Add(e.grace())}
	left := slices.DeleteFunc(slices.Clone(e.extensions), func(x *extension) bool { return x.process == nil })
	e.mu.Unlock()
	if len(left) == 0 {
		return
	}
	// What the runtime's end has brought is told first, in half of what is left of the grace.
	now := time.Now()
	e.telemetry.flushUntil(now.Add(end.deadline.Sub(now) / 2))
	for _, x := range left {
		e.tellShutdown(x, end)
	}
	keepAlive := e.function.service.cfg.killAt(end.deadline, func() {
		for _, x := range left {
			x.process.signal(syscall.SIGKILL)
		}
	})
	defer keepAlive()
	for _, x := range left {
		<-x.ended
	}
}

// tellShutdown gives an external extension its last event. One that does not want it is killed, but
// for one that has reported an error, which leaves by itself.
func (e *environment) tellShutdown(x *extension, end shutdown) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case x.state == extensionInitError || x.state == extensionExitError:
	case x.shutdown:
		x.down <- end // there is room for the only one
	default:
		x.process.signal(syscall.SIGKILL)
	}
}

// inEvent is the reason as a SHUTDOWN event gives it.
func (r StopReason) inEvent() StopReason {
	if r == StopExit {
		return StopFailure
	}
	return r
}
