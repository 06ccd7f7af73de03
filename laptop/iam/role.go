package iam

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

// RoleInput is what AWS::IAM::Role takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html
type RoleInput struct {
	RoleName                 string
	Path                     string // "" means /
	Description              string
	AssumeRolePolicyDocument string // JSON
	MaxSessionDuration       int    // seconds, 3600 to 43200; 0 means 3600
	ManagedPolicyArns        []string
	// Policies are the inline ones: JSON by name.
	Policies            map[string]string
	PermissionsBoundary string
	Tags                map[string]string
	// ClientToken marks what one creation made, so that it is found after a crash. It is kept,
	// changed by no update and not told on the wire.
	ClientToken string
}

// Role is a role as it is stored.
type Role struct {
	RoleInput
	Arn        string
	RoleID     string
	CreateDate time.Time
}

var (
	validName = regexp.MustCompile(`^[\w+=,.@-]+$`)
	validPath = regexp.MustCompile(`^/$|^/[\x21-\x7e]{0,510}/$`)
	validARN  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[\x21-\x7e]+$`)
)

func (in *RoleInput) validate() error {
	if !validName.MatchString(in.RoleName) || len(in.RoleName) > 64 {
		return invalid("roleName %q: 1 to 64 letters, digits and _+=,.@-", in.RoleName)
	}
	if in.Path == "" {
		in.Path = "/"
	}
	if !validPath.MatchString(in.Path) {
		return invalid("path %q: it begins and ends with a slash", in.Path)
	}
	if in.MaxSessionDuration == 0 {
		in.MaxSessionDuration = 3600
	}
	if in.MaxSessionDuration < 3600 || in.MaxSessionDuration > 43200 {
		return invalid("maxSessionDuration is %d; it may be 3600 to 43200 seconds", in.MaxSessionDuration)
	}
	if err := checkPolicy(in.AssumeRolePolicyDocument, trust); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Policies)) {
		if !validName.MatchString(name) || len(name) > 128 {
			return invalid("policyName %q: 1 to 128 letters, digits and _+=,.@-", name)
		}
		if err := checkPolicy(in.Policies[name], permissions); err != nil {
			return err
		}
	}
	for _, arn := range in.ManagedPolicyArns {
		if !validARN.MatchString(arn) {
			return invalid("ARN %s is not valid: a managed policy's is arn:aws:iam::aws:policy/…", arn)
		}
	}
	in.Policies, in.Tags, in.ManagedPolicyArns = maps.Clone(in.Policies), maps.Clone(in.Tags), slices.Clone(in.ManagedPolicyArns)
	return nil
}

// CreateRole stores a new role.
func (s *Service) CreateRole(in RoleInput) (Role, error) {
	if err := in.validate(); err != nil {
		return Role{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.roles[fold(in.RoleName)]; ok {
		return Role{}, exists("Role", in.RoleName)
	}
	r := Role{RoleInput: in, Arn: "arn:aws:iam::" + s.config.Account + ":role" + in.Path + in.RoleName, RoleID: newID("AROA"), CreateDate: now()}
	return r, s.saveRole(r)
}

// UpdateRole replaces a role's documents, policies and tags. Its name and path cannot change.
func (s *Service) UpdateRole(in RoleInput) (Role, error) {
	if err := in.validate(); err != nil {
		return Role{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[fold(in.RoleName)]
	if !ok {
		return Role{}, noSuchEntity("role", in.RoleName)
	}
	if in.Path != r.Path {
		return Role{}, invalid("the path of role %s cannot change", in.RoleName)
	}
	in.RoleName, in.ClientToken = r.RoleName, r.ClientToken
	r.RoleInput = in
	return r, s.saveRole(r)
}

func (s *Service) saveRole(r Role) error {
	if err := s.roleFiles.Save(file(r.RoleName), r); err != nil {
		return err
	}
	s.roles[fold(r.RoleName)] = r
	return nil
}

// GetRole finds a role.
func (s *Service) GetRole(name string) (Role, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.roles[fold(name)]
	if !ok {
		return Role{}, noSuchEntity("role", name)
	}
	return r, nil
}

// ListRoles are all roles by name.
func (s *Service) ListRoles() []Role {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []Role{}
	for _, name := range slices.Sorted(maps.Keys(s.roles)) {
		out = append(out, s.roles[name])
	}
	return out
}

// DeleteRole removes a role with its policies, as CloudFormation does; an instance profile that
// holds it is in the way.
func (s *Service) DeleteRole(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[fold(name)]
	if !ok {
		return noSuchEntity("role", name)
	}
	for _, p := range s.profiles {
		if slices.Contains(p.Roles, r.RoleName) {
			return deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
	}
	if err := s.roleFiles.Remove(file(name)); err != nil {
		return err
	}
	delete(s.roles, fold(name))
	return nil
}
