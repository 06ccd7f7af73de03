package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// policy is the IAM policy that an authorizer's function answers with:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
//
// Effect, Action and Resource are evaluated, with their wildcards * and ?. A policy with any other
// element, such as a Condition, is refused as a whole: passing over it could let somebody in.
type policy struct {
	statements []statement
}

type statement struct {
	allow     bool
	actions   []string
	resources []string
}

// parsePolicy reads a policy document.
func parsePolicy(document json.RawMessage) (policy, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement awsproto.OneOrMany[map[string]json.RawMessage]
	}
	if err := json.Unmarshal(document, &raw); err != nil {
		return policy{}, fmt.Errorf("policyDocument: %w", err)
	}
	if len(raw.Statement) == 0 {
		return policy{}, errors.New("policyDocument: there is no Statement")
	}
	var out policy
	for i, members := range raw.Statement {
		s, err := parseStatement(members)
		if err != nil {
			return policy{}, fmt.Errorf("policyDocument: Statement[%d]: %w", i, err)
		}
		out.statements = append(out.statements, s)
	}
	return out, nil
}

func parseStatement(members map[string]json.RawMessage) (statement, error) {
	var effect string
	var actions, resources awsproto.OneOrMany[string]
	for name, value := range members {
		var err error
		switch name {
		case "Effect":
			err = json.Unmarshal(value, &effect)
		case "Action":
			err = json.Unmarshal(value, &actions)
		case "Resource":
			err = json.Unmarshal(value, &resources)
		case "Sid":
		default:
			err = errors.New("the laptop evaluates Effect, Action and Resource of a policy only")
		}
		if err != nil {
			return statement{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	switch {
	case effect != "Allow" && effect != "Deny":
		return statement{}, fmt.Errorf("the Effect is %q; it is Allow or Deny", effect)
	case len(actions) == 0 || len(resources) == 0:
		return statement{}, errors.New("it needs an Action and a Resource")
	}
	return statement{allow: effect == "Allow", actions: actions, resources: resources}, nil
}

// decide says what the policy means for a call: 0 lets it go on. A Deny outweighs every Allow.
func (p policy) decide(arn string) refused {
	out := notAllowed
	for _, s := range p.statements {
		if !slices.ContainsFunc(s.actions, invokes) || !slices.ContainsFunc(s.resources, func(r string) bool { return awsproto.Like(r, arn) }) {
			continue
		}
		if !s.allow {
			return explicitlyDenied
		}
		out = 0
	}
	return out
}

// invokes says that an action is, or takes in, execute-api:Invoke. Actions have no case.
func invokes(action string) bool { return awsproto.Like(strings.ToLower(action), "execute-api:invoke") }
