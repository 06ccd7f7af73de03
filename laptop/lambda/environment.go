package lambda

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// environment is an execution environment: one process behind its own Runtime API. It serves one
// invocation at a time.
//
// Its own state is guarded by mu, which is never held while the pool's lock is asked for.
type environment struct {
	function   *function
	rev        *revision
	stream     string // the log stream's name
	log        *logStream
	telemetry  *telemetry
	retried    bool             // its init is the second try: see retry
	managed    *managed         // nil but for Managed Instances
	box        *sandbox         // set before there is a process
	gone       chan struct{}    // closed when the process has ended
	work       chan *invocation // buffered: the event that the runtime's next answers
	watchers   sync.WaitGroup   // of the external extensions' processes, and of their end
	registered chan struct{}    // buffered: an external extension has registered
	halted     chan struct{}    // closed when the environment begins to stop
	finishing  atomic.Bool      // it has answered and is not ready for another request yet
	// These two are guarded by the function's mutex.
	idleSince   time.Time
	pastInit    bool
	provisioned bool   // it is kept ahead of requests
	initType    string // what it finds in AWS_LAMBDA_INITIALIZATION_TYPE; never changes

	metadataToken string                   // who tells it may read the metadata
	profiles      atomic.Pointer[profiles] // nil where the process takes no orders for profiles

	mu           sync.Mutex
	phase        phase
	epoch        uint64 // counts the events that were given to the process
	process      *process
	frozen       bool
	held         bool // it is not frozen now, as it is asked for a profile
	runtimeReady bool // the runtime has asked for its next event
	initFailed   bool // the runtime has reported an init error
	stoppedAt    time.Time
	poll         *poll
	extensions   []*extension
	inv          *invocation // under way, when busy
	used         bool        // there has been an invocation
	started      time.Time
	initTime     time.Duration
	initTimer    *time.Timer
	keepAlive    func() // takes back the kill at the end of the runtime's grace, nil if there is none
	reason       StopReason
	outOfMemory  bool
	next         *environment // tries again, after an init that has failed
}

type phase int

const (
	starting phase = iota // in the init phase
	idle                  // ready for an event
	busy                  // has an event; perhaps answered, but not finished
	stopping              // being shut down, or dead
)

var errStopped = errors.New("the environment was shut down before it had started")

func newEnvironment(f *function, rev *revision) *environment {
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program first
	now := time.Now()
	f.service.code.hold(rev.cfg)
	return &environment{
		function: f, rev: rev, started: now, initType: rev.cfg.initializationType(),
		stream:     streamName(rev.cfg, now, hex.EncodeToString(id[:])),
		gone:       make(chan struct{}),
		work:       make(chan *invocation, 1),
		managed:    newManaged(rev.cfg),
		registered: make(chan struct{}, 1), halted: make(chan struct{}),
		telemetry: newTelemetry(), metadataToken: awsproto.NewID(),
	}
}

// run opens the log and lives, a second time if the first one's init fails.
func (e *environment) run() {
	s := e.function.service
	log := s.logs.open(e.rev.cfg, e.stream)
	defer s.logs.close(log)
	for e != nil {
		e.log = log
		log.tellTo(e.telemetry)
		e.live()
		e.telemetry.close()
		e.mu.Lock()
		next := e.next
		e.mu.Unlock()
		e = next
	}
}

// live starts the process and stays with it until it is gone.
func (e *environment) live() {
	s := e.function.service
	defer s.code.let(e.rev.cfg)
	e.tellInitStart()

	api, err := newServer(http.HandlerFunc(e.serveAPI), func(err error) { e.log.remark(err.Error()) })
	if err != nil {
		e.failInit(failure{kind: "Sandbox.Failure", message: err.Error()}, StopFailure)
		return
	}
	defer api.close()
	defer close(e.gone) // first, for the requests that wait for an event
	if e.box, err = s.spawner.newSandbox(e.rev.cfg, e.rev.opt, e.stream); err != nil {
		e.failInit(failure{kind: "Sandbox.Failure", message: err.Error()}, StopFailure)
		return
	}
	box := e.box
	defer e.watchers.Wait()
	defer func() {
		if err := box.close(); err != nil {
			e.log.remark(err.Error())
		}
	}()
	if err := e.startExtensions(api.address()); err != nil {
		e.failInit(launchFailure(err), StopFailure)
		e.endExtensions()
		return
	}
	p, err := e.start(api.address())
	if err != nil {
		e.failInit(e.invalidEntrypoint(err), StopFailure)
		e.endExtensions()
		return
	}
	defer s.warden.drop(e)
	status := p.wait()
	e.exited(status, box.outOfMemory())
	p.output.close()
	e.endExtensions()
	e.mu.Lock()
	if e.keepAlive != nil {
		e.keepAlive()
	}
	reason := e.reason
	e.mu.Unlock()
	s.cfg.Events(EnvironmentStopped{Function: e.function.name, Stream: e.stream, Reason: reason})
}

// start runs bootstrap in the task root.
func (e *environment) start(runtimeAPI string) (*process, error) {
	s := e.function.service
	root := s.code.path(e.rev.cfg.CodeSHA256)
	if err := checkArchitecture(filepath.Join(root, "bootstrap"), e.rev.cfg.Architecture); err != nil {
		return nil, err
	}
	output, err := newOutput(e.log)
	if err != nil {
		return nil, err
	}
	// Under the lock, so that the process's first call finds the environment complete.
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == stopping {
		output.close()
		return nil, errStopped
	}
	p, err := s.spawner.start(command{
		path: filepath.Join(root, "bootstrap"),
		dir:  root,
		env:  e.variables(root, runtimeAPI),
		in:   e.box,
	}, output)
	if err != nil {
		output.close()
		return nil, err
	}
	e.process = p
	p.complain(e.log)
	e.watch()
	if e.initTimer == nil {
		e.initTimer = time.AfterFunc(e.initLimit()-time.Since(e.started), e.initTimedOut)
	}
	s.cfg.Events(EnvironmentStarted{Function: e.function.name, Stream: e.stream, PID: p.pid})
	return p, nil
}

// watch has the warden look after the environment, if it has something to do for it. The caller holds e.mu.
func (e *environment) watch() {
	if e.box.watched() {
		e.function.service.warden.take(e, e.box)
	}
}

// rest makes the environment ready for an event. The caller holds the function's mutex; the
// result is for freeze.
func (e *environment) rest() (epoch uint64) {
	e.idleSince = time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.epoch
}

// begin gives inv to the process, or reports that it has ended in the meantime.
func (e *environment) begin(inv *invocation) (begun bool) {
	defer func() {
		if begun {
			e.log.commit()
		}
	}()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase != idle {
		return false
	}
	if e.managed != nil {
		e.beginManaged(inv)
		return true
	}
	e.epoch++
	e.phase = busy
	e.inv = inv
	inv.cold, e.used = !e.used, true
	inv.start = time.Now()
	left := e.rev.cfg.Timeout
	if inv.cold && e.retried && e.idleSince.IsZero() { // the invocation has begun with the second init
		inv.start, left = inv.start.Add(-e.initTime), left-e.initTime
	}
	inv.deadline = inv.start.Add(e.rev.cfg.Timeout)
	inv.timer = time.AfterFunc(left, func() { e.overrun(inv) })
	e.log.start(inv)
	e.tellStart(inv)
	e.deliver(inv)
	e.function.counters.invocations.Add(1)
	e.function.counters.busy.Add(1) // now that it is not frozen any more
	return true
}

// settle is called whenever the runtime or an extension has asked for its next event. Once all of
// them have, the init phase or the invocation is over.
func (e *environment) settle() {
	e.mu.Lock()
	if !e.allReady() {
		e.mu.Unlock()
		return
	}
	switch {
	case e.phase == starting:
		e.initTimer.Stop()
		e.phase = idle
		e.initTime = time.Since(e.started)
		e.process.notePeak()
		e.tellInitReport("", "")
		if e.managed != nil {
			e.managed.offered++ // whoever waits for it must get it, even if the runtime asks no more
		}
		e.mu.Unlock()
		e.function.service.cfg.Events(EnvironmentReady{Function: e.function.name, Stream: e.stream, Init: e.initTime})
	case e.managed != nil:
		e.mu.Unlock()
		e.offer()
		return
	case e.phase == busy && e.inv.answered:
		e.conclude("", "")
		e.phase = idle
		e.mu.Unlock()
	default:
		e.mu.Unlock()
		return
	}
	e.function.put(e)
	if e.managed != nil {
		e.offer()
	}
}

func (e *environment) allReady() bool {
	for _, x := range e.extensions {
		if !x.ready {
			return false
		}
	}
	return e.runtimeReady
}

// answer sends a to the caller, once. The caller holds e.mu.
func (e *environment) answer(inv *invocation, a answer) {
	if inv.answered {
		return
	}
	inv.answered = true
	inv.errorType = a.errorType
	if a.errorType != "" {
		e.function.counters.errors.Add(1)
	}
	inv.leave()
	inv.answers <- a
}

// conclude writes the invocation's last lines and forgets it. status and kind go into the REPORT
// line; both are empty when all went as it should. The caller holds e.mu.
func (e *environment) conclude(status, kind string) {
	inv := e.inv
	e.inv = nil
	e.report(inv, status, kind)
}

// report is conclude for an invocation that has been forgotten.
func (e *environment) report(inv *invocation, status, kind string) {
	inv.timer.Stop()
	if e.process != nil {
		e.process.output.drain()
	}
	now := time.Now()
	r := report{inv: inv, duration: now.Sub(inv.start), memorySize: e.rev.cfg.MemorySize, status: status, kind: kind, held: e.box.memoryLimit()}
	if inv.cold && !e.retried {
		r.init = e.initTime
	}
	if status == "timeout" {
		r.duration = e.rev.cfg.Timeout // to the millisecond, whenever the end was noticed, as on Lambda
	}
	if e.process != nil {
		r.memory = e.process.peakMemory(now)
	}
	if kind == "Runtime.OutOfMemory" {
		r.memory = e.rev.cfg.MemorySize << 20 // all; a little more may have been taken before it was seen
	}
	e.tellReport(r)
	e.log.end(r)
	e.function.counters.busy.Add(-1)
	e.function.service.cfg.Events(InvocationDone{Function: e.function.name, Stream: e.stream, RequestID: inv.id,
		Duration: r.duration, Cold: inv.cold, ErrorType: cmp.Or(kind, inv.errorType)})
}
