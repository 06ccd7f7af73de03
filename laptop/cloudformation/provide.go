package cloudformation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ephor-io/ephor/cfn/eval"
)

// errStopped says that the Service was closed in the middle of a step: nothing was recorded, and
// Restore takes it from there.
var errStopped = errors.New("CloudFormation was stopped")

// stopped says that a context ended because the Service is being closed.
func stopped(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errStopped) }

// task is a physical resource that a provider is asked to do something about.
type task struct {
	st   *stack
	tags map[string]string
	r    *resource
	m    *made
	old  values // the properties of before

	signals bool // a host on which it depends boots again
	policy  bool // it has a CreationPolicy
}

func (s *Service) provider(m *made) (Provider, error) {
	if p := s.providers[m.Type]; p != nil {
		return p, nil
	}
	return nil, wordsf("Template format error: Unrecognized resource types: [%s]", m.Type)
}

// request is what the provider is told. Nothing in it is shared with the records.
func (s *Service) request(t task, properties any) (Request, error) {
	old, err := normal(t.old)
	if err != nil {
		return Request{}, err
	}
	attributes, err := normal(t.m.Attributes)
	if err != nil {
		return Request{}, err
	}
	resolved, _ := properties.(map[string]any)
	return Request{
		StackName: t.st.Name, StackID: t.st.ID, LogicalID: t.r.LogicalID, Type: t.m.Type,
		Region: s.config.Region, Account: s.config.Account,
		Token: t.m.Token, PhysicalID: t.m.PhysicalID,
		Properties: resolved, OldProperties: old, Attributes: attributes,
		Tags: t.tags, signals: t.signals, policy: t.policy,
	}, nil
}

// provide has a provider create, update or restore a resource. It is the only place where dynamic
// references become values, and nobody but the provider sees those.
func (s *Service) provide(ctx context.Context, t task, do func(Provider, context.Context, Request) (Resource, error)) (Resource, error) {
	p, err := s.provider(t.m)
	if err != nil {
		return Resource{}, err
	}
	resolved, secrets, err := eval.Dynamic(ctx, map[string]any(t.m.Properties), eval.Stores{Secrets: s.config.Secrets, Parameters: s.config.Parameters})
	if err != nil {
		return Resource{}, redact(err, secrets)
	}
	request, err := s.request(t, resolved)
	if err != nil {
		return Resource{}, err
	}
	got, err := do(p, ctx, request)
	return got, redact(err, append(secrets, s.hidden(t.st)...))
}

// hidden are the values of a stack's NoEcho parameters.
func (s *Service) hidden(st *stack) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var values []string
	for _, p := range st.Goal.Parameters {
		if p.NoEcho {
			values = append(values, p.Value)
		}
	}
	return values
}

// dismiss has a provider delete a resource. Dynamic references stay as they are: what they lead to
// may be gone already.
func (s *Service) dismiss(ctx context.Context, t task) error {
	p, err := s.provider(t.m)
	if err != nil {
		return err
	}
	properties, err := normal(t.m.Properties)
	if err != nil {
		return err
	}
	request, err := s.request(t, map[string]any(properties))
	if err != nil {
		return err
	}
	return p.Delete(ctx, request)
}

// redact is err without secrets in its text, in any spelling that quoting gives them.
func redact(err error, secrets []string) error {
	if err == nil || len(secrets) == 0 {
		return err
	}
	text := err.Error()
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		quoted, _ := json.Marshal(secret) // a string always marshals
		for _, form := range []string{secret, strings.Trim(fmt.Sprintf("%q", secret), `"`), strings.Trim(string(quoted), `"`)} {
			text = strings.ReplaceAll(text, form, "****")
		}
	}
	return errors.New(text)
}

// take records what a provider told.
func (m *made) take(got Resource) error {
	m.Making = false
	attributes, err := normal(got.Attributes)
	if err != nil {
		return err
	}
	m.PhysicalID = cmp.Or(got.PhysicalID, m.PhysicalID)
	m.Ref = cmp.Or(got.Ref, m.PhysicalID)
	m.Attributes = attributes
	return nil
}
