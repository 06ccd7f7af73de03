package ec2

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// InstanceInput is what AWS::EC2::Instance takes, as far as a monitoring host says it:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-instance.html
// Only UserData has an effect here.
type InstanceInput struct {
	ImageID            string
	InstanceType       string
	UserData           string // base64
	AvailabilityZone   string // "" means the region's first
	SecurityGroupIDs   []string
	IamInstanceProfile string
	KeyName            string
	SubnetID           string
	Tags               map[string]string
	ClientToken        string // as a security group's
}

// Instance is an instance's record.
type Instance struct {
	InstanceInput
	InstanceID       string
	LaunchTime       time.Time
	State            string // pending, running, or terminated where its boot failed
	StateReason      string // why the boot failed
	PrivateIPAddress string
	PublicIPAddress  string
	PrivateDNSName   string
	PublicDNSName    string
}

const loopback = "127.0.0.1"

// signal is the line of user data that tells the monitoring host where to report.
var signal = regexp.MustCompile(`(?m)^EPHOR_SIGNAL='([^'\n]+)'\r?$`)

// Script is an instance's user data as the machine would run it.
func (i Instance) Script() string {
	raw, _ := base64.StdEncoding.DecodeString(i.UserData) // checked when the instance was made
	return string(raw)
}

// Signal is the URL that the instance's user data names in its line EPHOR_SIGNAL='…'.
func (i Instance) Signal() string {
	if m := signal.FindStringSubmatch(i.Script()); m != nil {
		return m[1]
	}
	return ""
}

// RunInstance makes the monitoring host's instance and boots it in the background, as a machine
// boots after it was made. Any other instance is an error.
func (s *Service) RunInstance(in InstanceInput) (Instance, error) {
	in.SecurityGroupIDs, in.Tags = slices.Clone(in.SecurityGroupIDs), maps.Clone(in.Tags)
	in.AvailabilityZone = cmp.Or(in.AvailabilityZone, s.config.Region+"a")
	i := Instance{
		InstanceInput: in, InstanceID: newID("i"), LaunchTime: now(), State: "pending",
		PrivateIPAddress: loopback, PublicIPAddress: loopback, PrivateDNSName: "localhost", PublicDNSName: "localhost",
	}
	if _, err := base64.StdEncoding.DecodeString(in.UserData); err != nil {
		return Instance{}, fail("InvalidParameterValue", "Invalid BASE64 encoding of user data.")
	}
	if i.Signal() == "" {
		return Instance{}, fail("UnsupportedOperation", "machines cannot run on the laptop: the only instance that can is Ephor's monitoring host, whose user data has a line EPHOR_SIGNAL='…'")
	}
	err := s.change(func(r *records) error {
		for _, id := range in.SecurityGroupIDs {
			if _, ok := r.Groups[id]; !ok {
				return noGroup(id)
			}
		}
		r.Instances[i.InstanceID] = i
		return nil
	})
	if err != nil {
		return Instance{}, err
	}
	return i, s.Boot(i.InstanceID)
}

// SetUserData replaces an instance's user data, base64, which its next boot reads.
func (s *Service) SetUserData(instanceID, userData string) error {
	return s.change(func(r *records) error {
		i, ok := r.Instances[instanceID]
		if !ok {
			return noInstance(instanceID)
		}
		i.UserData = userData
		r.Instances[instanceID] = i
		return nil
	})
}

// ModifyInstance changes what can change of a machine that runs: its profile and its tags.
func (s *Service) ModifyInstance(instanceID, profile string, tags map[string]string) (Instance, error) {
	var i Instance
	err := s.change(func(r *records) error {
		had, ok := r.Instances[instanceID]
		if !ok {
			return noInstance(instanceID)
		}
		had.IamInstanceProfile, had.Tags = profile, maps.Clone(tags)
		r.Instances[instanceID], i = had, had
		return nil
	})
	return i, err
}

// boot is one call of Host.Boot.
type boot struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Boot boots an instance's host in the background; WaitBoot waits for it. It is what a restart
// calls for the instances that there were.
func (s *Service) Boot(instanceID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.records.Instances[instanceID]
	switch {
	case !ok:
		return noInstance(instanceID)
	case s.closed:
		return fmt.Errorf("booting instance %s: the service is closed", instanceID)
	case s.booting[instanceID] != nil:
		return fmt.Errorf("booting instance %s: it is booting or up already", instanceID)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	b := &boot{cancel, make(chan struct{})}
	s.booting[instanceID] = b
	s.boots.Go(func() {
		defer close(b.done)
		s.booted(i.InstanceID, s.config.Host.Boot(ctx, i))
	})
	return nil
}

// WaitBoot returns when the boot of an instance that is under way has ended, with the reason if
// it failed, or when ctx ends.
func (s *Service) WaitBoot(ctx context.Context, instanceID string) error {
	s.mu.Lock()
	b := s.booting[instanceID]
	s.mu.Unlock()
	if b != nil {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	i, err := s.GetInstance(instanceID)
	if err == nil && i.State != "running" {
		err = fmt.Errorf("booting instance %s: %s", instanceID, i.StateReason)
	}
	return err
}

// booted notes how a boot ended. What cannot be saved is said in the event. One that the
// service's own end cut short has not failed: the instance boots again after the restart.
func (s *Service) booted(id string, err error) {
	if err != nil && s.ctx.Err() != nil {
		return
	}
	saved := s.change(func(r *records) error {
		i, ok := r.Instances[id]
		if !ok {
			return nil // terminated meanwhile
		}
		i.State, i.StateReason = "running", ""
		if err != nil {
			i.State, i.StateReason = "terminated", err.Error()
		}
		r.Instances[id] = i
		return nil
	})
	if err = errors.Join(err, saved); err != nil {
		s.config.Events(BootFailed{id, err})
		return
	}
	s.config.Events(Booted{id})
}

// TerminateInstance ends an instance: its boot, if that is under way, and its host. An elastic
// address that it had is free then.
func (s *Service) TerminateInstance(ctx context.Context, instanceID string) error {
	s.mu.Lock()
	_, ok := s.records.Instances[instanceID]
	b := s.booting[instanceID]
	s.mu.Unlock()
	if !ok {
		return noInstance(instanceID)
	}
	if b != nil {
		b.cancel()
		select {
		case <-b.done:
		case <-ctx.Done():
			return fmt.Errorf("terminating instance %s: %w", instanceID, ctx.Err())
		}
	}
	if err := s.config.Host.Halt(ctx, instanceID); err != nil {
		return fmt.Errorf("terminating instance %s: %w", instanceID, err)
	}
	err := s.change(func(r *records) error {
		delete(r.Instances, instanceID)
		for id, a := range r.Associations {
			if a.InstanceID == instanceID {
				delete(r.Associations, id)
			}
		}
		return nil
	})
	if err == nil {
		s.mu.Lock()
		delete(s.booting, instanceID)
		s.mu.Unlock()
	}
	return err
}

// GetInstance finds an instance.
func (s *Service) GetInstance(instanceID string) (Instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.records.Instances[instanceID]
	if !ok {
		return Instance{}, noInstance(instanceID)
	}
	return i, nil
}

// ListInstances are all instances by their IDs.
func (s *Service) ListInstances() []Instance {
	return list(s, func(r records) map[string]Instance { return r.Instances })
}

func noInstance(id string) error {
	return fail("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
}
