// Package ec2 is as much of Amazon EC2 as a monitoring stack needs on this machine: security
// groups, volumes, elastic IP addresses and their associations as records, and instances, of which none is
// a machine. The one instance that can run is the monitoring host: it is booted by Config.Host,
// in this process, and known by the line EPHOR_SIGNAL='…' of its user data. Any other instance
// is refused.
//
//	service, err := ec2.Open(ec2.Config{Dir: dir, Host: host})
//	instance, err := service.RunInstance(ec2.InstanceInput{ImageID: "ami-…", InstanceType: "t4g.small", UserData: base64})
//	err = service.TerminateInstance(ctx, instance.InstanceID)
package ec2

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config says where a Service keeps its records and what an instance is on this machine.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in answers; "" means us-east-1 and 000000000000.
	Region, Account string
	// Host is what runs in the place of instances.
	Host Host
	// Events is told what happens; nil tells nobody. It must not block.
	Events func(Event)
}

// Host runs in the place of instances. Boot returns when the host is up; its ctx ends when the
// instance is terminated or the service closed. Halt returns when nothing of it runs any more;
// one that was never booted is no error.
type Host interface {
	Boot(ctx context.Context, instance Instance) error
	Halt(ctx context.Context, instanceID string) error
}

// Event is something that happened: Booted or BootFailed.
type Event interface{ event() }

// Booted says that an instance's host is up.
type Booted struct{ InstanceID string }

// BootFailed says why an instance's host is not up.
type BootFailed struct {
	InstanceID string
	Err        error
}

func (Booted) event()     {}
func (BootFailed) event() {}

// Service is EC2. It is safe for concurrent use.
type Service struct {
	config Config
	ctx    context.Context // of all boots
	cancel context.CancelFunc
	boots  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	records records
	booting map[string]*boot // by instance ID
}

// records is all that is kept: one file.
type records struct {
	Groups       map[string]SecurityGroup
	Addresses    map[string]Address
	Associations map[string]Association
	Instances    map[string]Instance
	Volumes      map[string]Volume
}

// Open loads what Dir holds. It boots nothing: that is Boot's to do, once what the host needs is up.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Host == nil {
		panic("ec2: Config.Host is nil")
	}
	if config.Events == nil {
		config.Events = func(Event) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{config: config, ctx: ctx, cancel: cancel, booting: map[string]*boot{}}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("opening EC2: %w", err), s.Close())
	}
	if err := state.Load(s.path(), &s.records); err != nil {
		return nil, errors.Join(fmt.Errorf("opening EC2: %w", err), s.Close())
	}
	s.records = s.records.clone()
	return s, nil
}

// Close ends the boots under way and waits for them. It halts no host: whoever owns the hosts
// stops them, and the instances stay in the state.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.boots.Wait()
	return nil
}

func (s *Service) path() string { return filepath.Join(s.config.Dir, "ec2.json") }

// change lets edit alter a copy of the records and saves it.
func (s *Service) change(edit func(*records) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.records.clone()
	if err := edit(&next); err != nil {
		return err
	}
	if err := state.Save(s.path(), next); err != nil {
		return err
	}
	s.records = next
	return nil
}

// list is all records of one kind by their IDs.
func list[V any](s *Service, kind func(records) map[string]V) []V {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := kind(s.records)
	out := []V{}
	for _, id := range slices.Sorted(maps.Keys(of)) {
		out = append(out, of[id])
	}
	return out
}

func (r records) clone() records {
	return records{clone(r.Groups), clone(r.Addresses), clone(r.Associations), clone(r.Instances), clone(r.Volumes)}
}

// clone is a copy of m that can be written to, also where m is nil.
func clone[V any](m map[string]V) map[string]V {
	c := make(map[string]V, len(m)+1)
	maps.Copy(c, m)
	return c
}

// newID is an identifier in EC2's form, e.g. i- and 17 hexadecimal digits.
func newID(prefix string) string {
	var raw [9]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program first
	return prefix + "-" + hex.EncodeToString(raw[:])[:17]
}

func fail(code, format string, args ...any) error { return awsproto.Errorf(code, format, args...) }

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
