// Package iam is AWS's Identity and Access Management on this machine, as far as roles and
// instance profiles go. Policies are checked for their form, stored and told again. They are NOT
// enforced: nothing on the laptop asks them before it acts, and a function may do what its role
// would forbid it on AWS.
//
//	service, err := iam.Open(iam.Config{Dir: dir})
//	role, err := service.CreateRole(iam.RoleInput{RoleName: "reader", AssumeRolePolicyDocument: trust})
//	http.Handle("/", service)
package iam

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config says where a Service keeps its roles.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Account stands in ARNs; "" means 000000000000.
	Account string
}

// Service is IAM. It is safe for concurrent use.
type Service struct {
	config       Config
	roleFiles    state.Folder[Role]
	profileFiles state.Folder[InstanceProfile]

	mu       sync.RWMutex
	roles    map[string]Role // by name in lower case: two names may not differ in case alone
	profiles map[string]InstanceProfile
}

// Open loads what Dir holds.
func Open(config Config) (*Service, error) {
	config.Account = cmp.Or(config.Account, "000000000000")
	s := &Service{
		config: config, roles: map[string]Role{}, profiles: map[string]InstanceProfile{},
		roleFiles:    state.Folder[Role]{Dir: filepath.Join(config.Dir, "roles")},
		profileFiles: state.Folder[InstanceProfile]{Dir: filepath.Join(config.Dir, "instance-profiles")},
	}
	roles, err := s.roleFiles.Load()
	if err != nil {
		return nil, fmt.Errorf("opening IAM: %w", err)
	}
	profiles, err := s.profileFiles.Load()
	if err != nil {
		return nil, fmt.Errorf("opening IAM: %w", err)
	}
	for _, r := range roles {
		s.roles[fold(r.RoleName)] = r
	}
	for _, p := range profiles {
		s.profiles[fold(p.InstanceProfileName)] = p
	}
	return s, nil
}

// Close does nothing: every call is durable before it returns.
func (s *Service) Close() error { return nil }

// file names what a role or a profile is kept in. Names hold no slash; escaping keeps a leading
// dot from looking like a file that was left half written.
func file(name string) string { return "n-" + url.PathEscape(fold(name)) }

func fold(name string) string { return strings.ToLower(name) }

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// newID is an identifier in IAM's form, e.g. AROA and 17 letters or digits for a role:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func newID(prefix string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	raw := make([]byte, 17)
	rand.Read(raw) // never fails: crypto/rand ends the program first
	for i, b := range raw {
		raw[i] = letters[int(b)%len(letters)]
	}
	return prefix + string(raw)
}

func noSuchEntity(kind, name string) error {
	return &awsproto.Error{Code: "NoSuchEntity", Status: 404, Message: fmt.Sprintf("The %s with name %s cannot be found.", kind, name)}
}

func exists(kind, name string) error {
	return &awsproto.Error{Code: "EntityAlreadyExists", Status: 409, Message: fmt.Sprintf("%s with name %s already exists.", kind, name)}
}

func deleteConflict(message string) error {
	return &awsproto.Error{Code: "DeleteConflict", Status: 409, Message: message}
}

func invalid(format string, args ...any) error {
	return awsproto.Errorf("ValidationError", format, args...)
}
