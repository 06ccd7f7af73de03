package lambda

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Permission is one statement of a function's resource policy: it lets an AWS service or another
// account call the function. See https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
type Permission struct {
	StatementID   string // unique in the policy
	Action        string // lambda:InvokeFunction or lambda:*
	Principal     string // e.g. apigateway.amazonaws.com, an account, or *
	SourceARN     string // what may call, with * and ? as wildcards; empty means anything
	SourceAccount string // whose it must be; empty means anybody's
}

var (
	validStatement = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)
	validAction    = regexp.MustCompile(`^(lambda:\*|lambda:[a-zA-Z]+|\*)$`)
)

// AddPermission adds a statement to a function's policy.
func (s *Service) AddPermission(function string, p Permission) error {
	switch {
	case !validStatement.MatchString(p.StatementID):
		return awsproto.Errorf("InvalidParameterValueException", "statement ID %q: letters, digits, hyphens and underscores, 100 at most", p.StatementID)
	case !validAction.MatchString(p.Action):
		return awsproto.Errorf("InvalidParameterValueException", "action %q: lambda:InvokeFunction, another action of Lambda, or lambda:*", p.Action)
	case p.Principal == "":
		return awsproto.Errorf("InvalidParameterValueException", "a permission needs a principal")
	}
	_, err := s.change(context.Background(), function, Code{}, func(cfg *Function) error {
		if slices.ContainsFunc(cfg.Policy, func(q Permission) bool { return q.StatementID == p.StatementID }) {
			return &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
				Message: "The statement id (" + p.StatementID + ") provided already exists. Please provide a new statement id, or remove the existing statement."}
		}
		cfg.Policy = append(cfg.Policy, p)
		return nil
	})
	return err
}

// RemovePermission removes a statement from a function's policy.
func (s *Service) RemovePermission(function, statementID string) error {
	_, err := s.change(context.Background(), function, Code{}, func(cfg *Function) error {
		before := len(cfg.Policy)
		cfg.Policy = slices.DeleteFunc(cfg.Policy, func(q Permission) bool { return q.StatementID == statementID })
		if len(cfg.Policy) == before {
			return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
				Message: "Statement " + statementID + " is not found in resource policy."}
		}
		return nil
	})
	return err
}

// allows says that the policy lets a service principal call the function on behalf of source.
func allows(policy []Permission, principal, source string) bool {
	return slices.ContainsFunc(policy, func(p Permission) bool {
		return (p.Action == "lambda:InvokeFunction" || p.Action == "lambda:*" || p.Action == "*") &&
			(p.Principal == principal || p.Principal == "*") &&
			(p.SourceARN == "" || like(p.SourceARN, source)) &&
			(p.SourceAccount == "" || p.SourceAccount == accountOf(source))
	})
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// like is IAM's ArnLike and StringLike: * stands for any characters, ? for one.
func like(pattern, s string) bool {
	// The last star and where it may match on from, for one step back: linear in practice.
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
