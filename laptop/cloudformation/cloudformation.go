// Package cloudformation is CloudFormation on this machine: stacks and change sets over AWS's
// query protocol, converged by providers, one per resource type.
//
//	s, err := cloudformation.Open(cloudformation.Config{
//		Dir:         dir,
//		Providers:   map[string]cloudformation.Provider{"AWS::S3::Bucket": buckets},
//		EndpointURL: func() string { return "http://127.0.0.1:4566" },
//	})
//	…
//	err = s.Restore(ctx) // stacks of an earlier run are there again
//	http.Handle("/", s)
//	…
//	err = s.Close(ctx)
//
// A stack is green only if every resource of it exists: a type without a provider, a property
// that its provider does not act on, an attribute of a resource such as CreationPolicy that is not
// carried out here are refused by name.
//
// # State
//
// Every step is on disk before the next begins: one folder for each stack under Dir/stacks, with
// a file for the stack, one for each resource, and a journal of events. Dynamic references are
// kept as they are written in the template. Their values are looked up for the moment in which a
// provider is called; they are never kept, and are struck out of its errors. Values of NoEcho
// parameters are in the stack's file, which is the owner's alone, because an update may ask for
// the previous value; they are shown as ****.
//
// # What is left after a crash
//
// Restore resolves what was under way, before anything else: a creation is rolled back, an update
// is rolled back to what was there before, a clean-up and a deletion are carried through. The
// statuses are those that CloudFormation has for it, and the reason says what happened.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html
package cloudformation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ephor-io/ephor/cfn/eval"
)

// Config says what a Service works with. Dir is needed, all else has a default.
type Config struct {
	// Dir holds the state. It is made if it is missing.
	Dir string
	// Region and Account stand in ARNs and pseudo parameters; us-east-1 and 000000000000 if empty.
	Region  string
	Account string
	// Providers are the resource types, by name. AWS::CloudFormation::WaitConditionHandle and
	// AWS::CloudFormation::WaitCondition are there already.
	Providers map[string]Provider
	// Secrets and Parameters resolve dynamic references, and parameters of the type
	// AWS::SSM::Parameter::Value. Without them, whatever needs them fails by name.
	Secrets    eval.SecretStore
	Parameters eval.ParameterStore
	// Templates reads what TemplateURL names.
	Templates TemplateStore
	// EndpointURL is the URL under which requests with SignalPath reach ServeSignal, without a
	// slash at its end. It may differ from one start to the next.
	EndpointURL func() string
	// Address makes of an output's value, where it is an address of AWS that a template has put
	// together, the one under which the resource answers here, and leaves alone any other value. Nil
	// leaves all alone.
	Address func(value string) string
	// Events is told each event, one at a time in the order in which they happen. It must return
	// soon and not call the Service.
	Events func(Event)
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Parallel is how many resources of one stack are worked on at once; 0 means 16.
	Parallel int
	// SignalWait bounds how long Restore waits for a host that boots again to signal, where the
	// wait condition's own Timeout is longer; 0 means a minute.
	SignalWait time.Duration
}

// TemplateStore reads a template from a TemplateURL, an object in S3.
type TemplateStore interface {
	Template(ctx context.Context, url string) ([]byte, error)
}

// Service is CloudFormation. It is an http.Handler for the requests of its API; who signed them
// is not its business. Its methods may be called from several goroutines.
type Service struct {
	config    Config
	providers map[string]Provider
	published map[string]Published
	waits     *waits

	// gate is held for writing while Restore runs, and for reading by calls that change
	// something.
	gate sync.RWMutex

	ctx    context.Context // ends when operations are to stop where they are
	cancel context.CancelCauseFunc
	work   sync.WaitGroup

	// mu guards everything below and in the stacks. It is never held while a provider works.
	mu      sync.RWMutex
	closing bool
	stacks  map[string]*stack // by ID, deleted ones too
}

// Open loads the stacks in config.Dir. They do nothing before Restore.
func Open(config Config) (*Service, error) {
	if config.Dir == "" {
		return nil, errors.New("cloudformation: Config.Dir is empty")
	}
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	config.Parallel = cmp.Or(config.Parallel, 16)
	config.SignalWait = cmp.Or(config.SignalWait, time.Minute)
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.EndpointURL == nil {
		config.EndpointURL = func() string { return "" }
	}
	if config.Address == nil {
		config.Address = func(value string) string { return value }
	}
	s := &Service{config: config, providers: map[string]Provider{}, waits: newWaits(config)}
	maps.Copy(s.providers, s.waits.providers())
	maps.Copy(s.providers, config.Providers)
	var err error
	if s.published, err = PublishedTypes(); err != nil {
		return nil, fmt.Errorf("opening CloudFormation: %w", err)
	}
	if s.stacks, err = loadStacks(config.Dir); err != nil {
		return nil, fmt.Errorf("opening CloudFormation: %w", err)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s, nil
}

// Close takes no further operations, lets those under way finish until ctx ends, and then stops
// them where they are; Restore resolves those at the next start.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel(errStopped)
	<-done
	s.gate.Lock() // Restore and the calls under way have returned, too
	defer s.gate.Unlock()
	return nil
}

// start runs an operation in a goroutine of the Service. s.mu is held.
func (s *Service) start(st *stack, run func(context.Context)) {
	ctx, cancel := context.WithCancel(s.ctx)
	before, done := st.done, make(chan struct{})
	st.cancel, st.done = cancel, done
	s.work.Go(func() {
		defer close(done)
		defer cancel()
		if before != nil {
			<-before
		}
		run(ctx)
	})
}
