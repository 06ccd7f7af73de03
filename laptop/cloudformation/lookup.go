package cloudformation

import (
	"fmt"
	"regexp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

var validName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func checkName(name string) error {
	if validName.MatchString(name) {
		return nil
	}
	return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
}

// find is the stack of a name, or of an ID even after its deletion. s.mu is held.
func (s *Service) find(nameOrID string) *stack {
	if st := s.stacks[nameOrID]; st != nil {
		return st
	}
	for _, st := range s.stacks {
		if st.Name == nameOrID && st.live() {
			return st
		}
	}
	return nil
}

// What CloudFormation says of a stack that is not there, which depends on the call.
const (
	noStack   = "Stack [%s] does not exist"
	noStackID = "Stack with id %s does not exist"
)

// stackFor finds the stack that a call is about. missing is noStack or noStackID. s.mu is held.
func (s *Service) stackFor(f form, missing string) (*stack, error) {
	name := f.get("StackName")
	if name == "" {
		return nil, invalid("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null")
	}
	if st := s.find(name); st != nil {
		return st, nil
	}
	return nil, invalid(missing, name)
}

// newStack makes a stack that has nothing yet and is not known yet.
func (s *Service) newStack(name string) *stack {
	st := &stack{resources: map[string]*resource{}}
	st.Name, st.Created = name, s.config.Now()
	st.ID = fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", s.config.Region, s.config.Account, name, awsproto.NewID())
	return st
}

func (s *Service) refuseClosing() error {
	if s.closing {
		return &awsproto.Error{Code: "ServiceUnavailable", Message: "CloudFormation is shutting down", Status: 503}
	}
	return nil
}
