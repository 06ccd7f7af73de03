// Package secretsmanager is AWS Secrets Manager on this machine: secrets with versions and
// stages, generated passwords, and the dynamic references by which CloudFormation reads them.
//
//	service, err := secretsmanager.Open(secretsmanager.Config{Dir: dir})
//	secret, err := service.CreateSecret(secretsmanager.SecretInput{Name: "writer", GenerateSecretString: &secretsmanager.Generate{
//		SecretStringTemplate: `{"username":"writer"}`, GenerateStringKey: "password", ExcludePunctuation: true}})
//	text, err := service.Text(secret.ARN, "", "") // {"username":"writer","password":"…"}
//
// Secrets stand in files that only their owner may read (0600); they are not encrypted there.
// No error and no event holds a secret's value.
package secretsmanager

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config says where a Service keeps its secrets.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
}

// Service is Secrets Manager. It is safe for concurrent use.
type Service struct {
	config Config
	files  state.Folder[*record]

	mu      sync.Mutex
	secrets map[string]*record // by name
}

// record is a secret as it is kept: one file.
type record struct {
	Secret
	Versions map[string]version // by ID
}

func (r *record) clone() *record {
	c := *r
	c.Versions = make(map[string]version, len(r.Versions)+1)
	for id, v := range r.Versions {
		c.Versions[id] = v
	}
	return &c
}

type version struct {
	SecretString *string `json:",omitempty"`
	SecretBinary []byte  `json:",omitempty"`
	Stages       []string
	Created      time.Time
}

// Open loads what Dir holds.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	s := &Service{config: config, files: state.Folder[*record]{Dir: config.Dir}, secrets: map[string]*record{}}
	all, err := s.files.Load()
	if err != nil {
		return nil, fmt.Errorf("opening Secrets Manager: %w", err)
	}
	for _, r := range all {
		s.secrets[r.Name] = r
	}
	return s, nil
}

// Close does nothing: every call is durable before it returns.
func (s *Service) Close() error { return nil }

// save makes r durable and current. s.mu is held.
func (s *Service) save(r *record) error {
	if err := s.files.Save(state.Name(r.Name), r); err != nil {
		return err
	}
	s.secrets[r.Name] = r
	return nil
}

// remove deletes a secret for good. s.mu is held.
func (s *Service) remove(name string) error {
	if err := s.files.Remove(state.Name(name)); err != nil {
		return err
	}
	delete(s.secrets, name)
	return nil
}

// find looks a secret up by its name, its ARN, or its ARN without the hyphen and six characters
// at the end. A secret whose recovery window is over is gone. s.mu is held.
func (s *Service) find(id string) (*record, error) {
	for name, r := range s.secrets {
		if r.DeletedDate != nil && !now().Before(*r.DeletedDate) {
			if err := s.remove(name); err != nil {
				return nil, err
			}
		}
	}
	if r := s.secrets[id]; r != nil {
		return r, nil
	}
	for _, r := range s.secrets {
		if id == r.ARN || id == r.ARN[:len(r.ARN)-len("-123456")] {
			return r, nil
		}
	}
	return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// live is find for secrets that are not on their way to deletion. s.mu is held.
func (s *Service) live(id string) (*record, error) {
	r, err := s.find(id)
	if err == nil && r.DeletedDate != nil {
		err = fail("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return r, err
}

func fail(code, format string, args ...any) error { return awsproto.Errorf(code, format, args...) }

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
