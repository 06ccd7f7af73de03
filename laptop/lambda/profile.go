package lambda

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// ProfileInput says what profile to take, and of which environment.
type ProfileInput struct {
	// Function is the function's name or ARN; all of its versions are meant.
	Function string
	// Instance is an environment's log stream, or the end of it. "" means one that is at work or else the
	// one that was used last.
	Instance string
	// Kind is cpu, or one of runtime/pprof's: heap, allocs, goroutine, threadcreate, block, mutex.
	Kind string
	// Duration is how long cpu, block and mutex are recorded; an hour at most. The others are of a moment.
	Duration time.Duration
	// Began is called when a recording has begun; nil means that nobody wants to know.
	Began func()
}

// ProfileOutput is a profile in pprof's format, as go tool pprof reads it.
type ProfileOutput struct {
	Instance string // the log stream
	// Invocations is how many it was given meanwhile; -1 where that is not known, which it is not of
	// Managed Instances.
	Invocations int
	Data        []byte
}

// recorded are the kinds that take a time.
var recorded = []string{"cpu", "block", "mutex"}

const (
	// orderLimit is how long a thawed process has to carry out an order.
	orderLimit = 20 * time.Second
	// maxProfileTime bounds what an environment records.
	maxProfileTime = time.Hour
)

// profiles is an environment's process as one that takes orders for profiles; see serveProfiles.
type profiles struct {
	busy   sync.Mutex // held while a profile is taken
	orders chan *profileOrder

	mu      sync.Mutex
	waiting map[string]*profileOrder
}

// profileOrder asks a process to record, or to hand out what it has.
type profileOrder struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Begin asks it to begin with the recording, and to answer nothing.
	Begin bool `json:"begin"`

	done chan profileAnswer // buffered
}

type profileAnswer struct {
	data  []byte
	fault string // why there is none
}

// Profile takes a profile of one environment. A frozen one is thawed for as long as it takes to carry out
// an order, not for the Duration: what is recorded is what the environment does when it runs, and frozen
// it does nothing. It fails with ProfileNotAvailable where the process takes no orders, which it does
// when it is built with the tag ephor_profile, and with ResourceConflictException while another profile
// of that environment is taken.
func (s *Service) Profile(ctx context.Context, in ProfileInput) (ProfileOutput, error) {
	e, err := s.toProfile(in)
	if err != nil {
		return ProfileOutput{}, err
	}
	out := ProfileOutput{Instance: e.stream, Invocations: -1}
	p := e.profiles.Load()
	if p == nil {
		return out, &awsproto.Error{Code: "ProfileNotAvailable", Status: http.StatusConflict,
			Message: "environment " + e.stream + " of " + e.function.name + " takes no orders for profiles: its program is built without the tag ephor_profile"}
	}
	if !p.busy.TryLock() {
		return out, &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
			Message: "another profile of environment " + e.stream + " is being taken"}
	}
	defer p.busy.Unlock()
	before := e.events()
	if slices.Contains(recorded, in.Kind) {
		if _, err := e.order(ctx, p, &profileOrder{Kind: in.Kind, Begin: true}); err != nil {
			return out, err
		}
		if in.Began != nil {
			in.Began()
		}
		wait := time.NewTimer(in.Duration)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done(): // what has begun is ended all the same
		case <-e.gone:
		}
	}
	out.Data, err = e.order(context.WithoutCancel(ctx), p, &profileOrder{Kind: in.Kind})
	if err == nil {
		err = ctx.Err()
	}
	if e.managed == nil {
		out.Invocations = int(e.events() - before)
	}
	return out, err
}

// events is how many events the process has been given.
func (e *environment) events() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.epoch
}

// toProfile is the environment that is meant.
func (s *Service) toProfile(in ProfileInput) (*environment, error) {
	if in.Duration < 0 || in.Duration > maxProfileTime {
		return nil, awsproto.Errorf("InvalidParameterValueException", "seconds: up to an hour, 3600")
	}
	fam, _, err := s.family(in.Function)
	if err != nil {
		return nil, err
	}
	var found []*environment
	var best *environment
	var used time.Time // when best was
	for _, f := range fam.now.Load().all() {
		f.mu.Lock()
		for e := range f.live {
			if !strings.HasSuffix(e.stream, in.Instance) || !e.pastInit {
				continue
			}
			found = append(found, e)
			at := e.idleSince
			if !slices.Contains(f.idle, e) { // it is at work
				at = time.Now()
			}
			if best == nil || at.After(used) {
				best, used = e, at
			}
		}
		f.mu.Unlock()
	}
	switch {
	case best == nil && in.Instance != "":
		return nil, &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
			Message: fam.name + " has no environment " + in.Instance + " now"}
	case best == nil:
		return nil, &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
			Message: fam.name + " has no environment now: it has one once it is invoked"}
	case len(found) > 1 && in.Instance != "":
		return nil, awsproto.Errorf("InvalidParameterValueException", "%d environments of %s end in %s", len(found), fam.name, in.Instance)
	}
	return best, nil
}

// order has the process carry out an order, thawed while it does.
func (e *environment) order(ctx context.Context, p *profiles, o *profileOrder) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	p.expect(o)
	defer p.forget(o)
	e.hold()
	defer e.release()
	orders := p.orders
	for {
		select {
		case orders <- o:
			orders = nil
		case a := <-o.done:
			if a.fault != "" {
				return nil, awsproto.Errorf("ProfileFailed", "environment %s: %s", e.stream, a.fault)
			}
			return a.data, nil
		case <-e.gone:
			return nil, awsproto.Errorf("ProfileFailed", "environment %s has ended meanwhile", e.stream)
		case <-ctx.Done():
			return nil, awsproto.Errorf("ProfileFailed", "environment %s did not answer: %v", e.stream, ctx.Err())
		}
	}
}

// hold keeps the environment from being frozen until release.
func (e *environment) hold() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = true
	if e.phase != stopping {
		e.thaw()
	}
}

func (e *environment) release() {
	e.mu.Lock()
	e.held = false
	again, epoch := e.phase == idle && e.managed == nil, e.epoch
	e.mu.Unlock()
	if again {
		e.function.service.freezer.add(e, epoch)
	}
}

func (p *profiles) expect(o *profileOrder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.ID, o.done = awsproto.NewID(), make(chan profileAnswer, 1)
	p.waiting[o.ID] = o
}

func (p *profiles) forget(o *profileOrder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, o.ID)
}
