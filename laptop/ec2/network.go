package ec2

import (
	"maps"
	"slices"
)

// Rule is one rule of a security group. It is kept and told again; the laptop listens on
// loopback alone whatever it says.
type Rule struct {
	IPProtocol            string // tcp, udp, icmp or -1
	FromPort, ToPort      int
	CidrIP, CidrIPv6      string
	SourceSecurityGroupID string
	Description           string
}

// SecurityGroupInput is what AWS::EC2::SecurityGroup takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroup.html
type SecurityGroupInput struct {
	GroupName            string // "" makes one of the group's ID
	GroupDescription     string
	VpcID                string
	SecurityGroupIngress []Rule
	SecurityGroupEgress  []Rule
	Tags                 map[string]string
	// ClientToken marks what one creation made, so that it is found after a crash. It is kept,
	// changed by no update and not told on the wire.
	ClientToken string
}

// SecurityGroup is a group's record.
type SecurityGroup struct {
	SecurityGroupInput
	GroupID string
}

func (in *SecurityGroupInput) validate() error {
	if in.GroupDescription == "" || len(in.GroupDescription) > 255 {
		return fail("InvalidParameterValue", "GroupDescription has 1 to 255 characters")
	}
	for _, rule := range slices.Concat(in.SecurityGroupIngress, in.SecurityGroupEgress) {
		switch {
		case rule.IPProtocol == "":
			return fail("MissingParameter", "a rule of the security group has no IpProtocol")
		case rule.FromPort > rule.ToPort:
			return fail("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", rule.FromPort, rule.ToPort)
		}
	}
	in.SecurityGroupIngress, in.SecurityGroupEgress = slices.Clone(in.SecurityGroupIngress), slices.Clone(in.SecurityGroupEgress)
	in.Tags = maps.Clone(in.Tags)
	return nil
}

// CreateSecurityGroup makes a group.
func (s *Service) CreateSecurityGroup(in SecurityGroupInput) (SecurityGroup, error) {
	if err := in.validate(); err != nil {
		return SecurityGroup{}, err
	}
	g := SecurityGroup{in, newID("sg")}
	if g.GroupName == "" {
		g.GroupName = g.GroupID
	}
	return g, s.change(func(r *records) error {
		for _, other := range r.Groups {
			if other.GroupName == g.GroupName && other.VpcID == g.VpcID {
				return fail("InvalidGroup.Duplicate", "The security group '%s' already exists", g.GroupName)
			}
		}
		r.Groups[g.GroupID] = g
		return nil
	})
}

// UpdateSecurityGroup replaces a group's rules and tags; its name and description cannot change.
func (s *Service) UpdateSecurityGroup(groupID string, in SecurityGroupInput) (SecurityGroup, error) {
	if err := in.validate(); err != nil {
		return SecurityGroup{}, err
	}
	var g SecurityGroup
	err := s.change(func(r *records) error {
		had, ok := r.Groups[groupID]
		if !ok {
			return noGroup(groupID)
		}
		in.GroupName, in.GroupDescription, in.VpcID, in.ClientToken = had.GroupName, had.GroupDescription, had.VpcID, had.ClientToken
		g = SecurityGroup{in, groupID}
		r.Groups[groupID] = g
		return nil
	})
	return g, err
}

// GetSecurityGroup finds a group.
func (s *Service) GetSecurityGroup(groupID string) (SecurityGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.records.Groups[groupID]
	if !ok {
		return SecurityGroup{}, noGroup(groupID)
	}
	return g, nil
}

// ListSecurityGroups are all groups by their IDs.
func (s *Service) ListSecurityGroups() []SecurityGroup {
	return list(s, func(r records) map[string]SecurityGroup { return r.Groups })
}

// DeleteSecurityGroup removes a group that no instance is in.
func (s *Service) DeleteSecurityGroup(groupID string) error {
	return s.change(func(r *records) error {
		if _, ok := r.Groups[groupID]; !ok {
			return noGroup(groupID)
		}
		for _, i := range r.Instances {
			if slices.Contains(i.SecurityGroupIDs, groupID) {
				return fail("DependencyViolation", "resource %s has a dependent object: instance %s", groupID, i.InstanceID)
			}
		}
		delete(r.Groups, groupID)
		return nil
	})
}

// Address is an elastic IP address; on the laptop it is always 127.0.0.1.
type Address struct {
	AllocationID string
	PublicIP     string
	Tags         map[string]string
	ClientToken  string // as a security group's
}

// Association is an elastic IP address's tie to an instance.
type Association struct {
	AssociationID string
	AllocationID  string
	InstanceID    string
	ClientToken   string // as a security group's
}

// AllocateAddress makes an elastic IP address.
func (s *Service) AllocateAddress(tags map[string]string, clientToken string) (Address, error) {
	a := Address{newID("eipalloc"), loopback, maps.Clone(tags), clientToken}
	return a, s.change(func(r *records) error { r.Addresses[a.AllocationID] = a; return nil })
}

// GetAddress finds an elastic IP address.
func (s *Service) GetAddress(allocationID string) (Address, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.records.Addresses[allocationID]
	if !ok {
		return Address{}, noAddress(allocationID)
	}
	return a, nil
}

// ListAddresses are all elastic IP addresses by their IDs.
func (s *Service) ListAddresses() []Address {
	return list(s, func(r records) map[string]Address { return r.Addresses })
}

// ReleaseAddress removes an elastic IP address that is associated with nothing.
func (s *Service) ReleaseAddress(allocationID string) error {
	return s.change(func(r *records) error {
		if _, ok := r.Addresses[allocationID]; !ok {
			return noAddress(allocationID)
		}
		for _, a := range r.Associations {
			if a.AllocationID == allocationID {
				return fail("InvalidIPAddress.InUse", "The address with allocation id [%s] is associated with %s", allocationID, a.InstanceID)
			}
		}
		delete(r.Addresses, allocationID)
		return nil
	})
}

// AssociateAddress ties an elastic IP address to an instance. A tie that either had is gone then.
func (s *Service) AssociateAddress(allocationID, instanceID, clientToken string) (Association, error) {
	out := Association{newID("eipassoc"), allocationID, instanceID, clientToken}
	return out, s.change(func(r *records) error {
		if _, ok := r.Addresses[allocationID]; !ok {
			return noAddress(allocationID)
		}
		if _, ok := r.Instances[instanceID]; !ok {
			return noInstance(instanceID)
		}
		for id, a := range r.Associations {
			if a.AllocationID == allocationID || a.InstanceID == instanceID {
				delete(r.Associations, id)
			}
		}
		r.Associations[out.AssociationID] = out
		return nil
	})
}

// ListAssociations are all ties of addresses to instances by their IDs.
func (s *Service) ListAssociations() []Association {
	return list(s, func(r records) map[string]Association { return r.Associations })
}

// DisassociateAddress unties an elastic IP address. An association that is gone already is no
// error: terminating its instance ends it, too.
func (s *Service) DisassociateAddress(associationID string) error {
	return s.change(func(r *records) error { delete(r.Associations, associationID); return nil })
}

func noGroup(id string) error {
	return fail("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

func noAddress(id string) error {
	return fail("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
}
