package iam

import (
	"maps"
	"slices"
	"time"
)

// InstanceProfileInput is what AWS::IAM::InstanceProfile takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-instanceprofile.html
type InstanceProfileInput struct {
	InstanceProfileName string
	Path                string   // "" means /
	Roles               []string // at most one
	ClientToken         string   // as a role's
}

// InstanceProfile is a profile as it is stored.
type InstanceProfile struct {
	InstanceProfileInput
	Arn               string
	InstanceProfileID string
	CreateDate        time.Time
}

// validate checks in against the roles that there are. s.mu is held.
func (s *Service) validateProfile(in *InstanceProfileInput) error {
	if !validName.MatchString(in.InstanceProfileName) || len(in.InstanceProfileName) > 128 {
		return invalid("instanceProfileName %q: 1 to 128 letters, digits and _+=,.@-", in.InstanceProfileName)
	}
	if in.Path == "" {
		in.Path = "/"
	}
	if !validPath.MatchString(in.Path) {
		return invalid("path %q: it begins and ends with a slash", in.Path)
	}
	if len(in.Roles) > 1 {
		return invalid("instance profile %s: it holds one role, not %d", in.InstanceProfileName, len(in.Roles))
	}
	in.Roles = slices.Clone(in.Roles)
	for i, name := range in.Roles {
		r, ok := s.roles[fold(name)]
		if !ok {
			return noSuchEntity("role", name)
		}
		in.Roles[i] = r.RoleName
	}
	return nil
}

// CreateInstanceProfile stores a new profile.
func (s *Service) CreateInstanceProfile(in InstanceProfileInput) (InstanceProfile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.validateProfile(&in); err != nil {
		return InstanceProfile{}, err
	}
	if _, ok := s.profiles[fold(in.InstanceProfileName)]; ok {
		return InstanceProfile{}, exists("Instance Profile", in.InstanceProfileName)
	}
	p := InstanceProfile{
		InstanceProfileInput: in, InstanceProfileID: newID("AIPA"), CreateDate: now(),
		Arn: "arn:aws:iam::" + s.config.Account + ":instance-profile" + in.Path + in.InstanceProfileName,
	}
	return p, s.saveProfile(p)
}

// UpdateInstanceProfile replaces a profile's role.
func (s *Service) UpdateInstanceProfile(in InstanceProfileInput) (InstanceProfile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.validateProfile(&in); err != nil {
		return InstanceProfile{}, err
	}
	p, ok := s.profiles[fold(in.InstanceProfileName)]
	if !ok {
		return InstanceProfile{}, noSuchEntity("instance profile", in.InstanceProfileName)
	}
	if in.Path != p.Path {
		return InstanceProfile{}, invalid("the path of instance profile %s cannot change", in.InstanceProfileName)
	}
	in.InstanceProfileName, in.ClientToken = p.InstanceProfileName, p.ClientToken
	p.InstanceProfileInput = in
	return p, s.saveProfile(p)
}

func (s *Service) saveProfile(p InstanceProfile) error {
	if err := s.profileFiles.Save(file(p.InstanceProfileName), p); err != nil {
		return err
	}
	s.profiles[fold(p.InstanceProfileName)] = p
	return nil
}

// GetInstanceProfile finds a profile.
func (s *Service) GetInstanceProfile(name string) (InstanceProfile, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.profiles[fold(name)]
	if !ok {
		return InstanceProfile{}, noSuchEntity("instance profile", name)
	}
	return p, nil
}

// ListInstanceProfiles are all profiles by name.
func (s *Service) ListInstanceProfiles() []InstanceProfile {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []InstanceProfile{}
	for _, name := range slices.Sorted(maps.Keys(s.profiles)) {
		out = append(out, s.profiles[name])
	}
	return out
}

// DeleteInstanceProfile removes a profile; its role stays.
func (s *Service) DeleteInstanceProfile(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.profiles[fold(name)]; !ok {
		return noSuchEntity("instance profile", name)
	}
	if err := s.profileFiles.Remove(file(name)); err != nil {
		return err
	}
	delete(s.profiles, fold(name))
	return nil
}
