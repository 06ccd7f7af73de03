package lambda

import (
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
	URLAuthType   string // NONE or AWS_IAM: through a function URL of that kind; empty means any
	ViaURL        bool   // through a function URL only
}

var (
	validStatement = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)
	validAction    = regexp.MustCompile(`^(lambda:\*|lambda:[a-zA-Z]+|\*)$`)
)

// AddPermission adds a statement to the policy of a function or, where the name has a qualifier, of
// that version or alias: a permission holds for invocations that name the same.
func (s *Service) AddPermission(function string, p Permission) error {
	return s.addPermission(function, p, "")
}

func (s *Service) addPermission(function string, p Permission, revision string) error {
	switch {
	case !validStatement.MatchString(p.StatementID):
		return awsproto.Errorf("InvalidParameterValueException", "statement ID %q: letters, digits, hyphens and underscores, 100 at most", p.StatementID)
	case !validAction.MatchString(p.Action):
		return awsproto.Errorf("InvalidParameterValueException", "action %q: lambda:InvokeFunction, another action of Lambda, or lambda:*", p.Action)
	case p.Principal == "":
		return awsproto.Errorf("InvalidParameterValueException", "a permission needs a principal")
	}
	if p.URLAuthType != "" && p.URLAuthType != "NONE" && p.URLAuthType != "AWS_IAM" {
		return awsproto.Errorf("InvalidParameterValueException", "FunctionUrlAuthType %q: NONE or AWS_IAM", p.URLAuthType)
	}
	return s.editPolicy(function, revision, func(policy []Permission) ([]Permission, error) {
		if slices.ContainsFunc(policy, func(q Permission) bool { return q.StatementID == p.StatementID }) {
			return nil, &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
				Message: "The statement id (" + p.StatementID + ") provided already exists. Please provide a new statement id, or remove the existing statement."}
		}
		return append(policy, p), nil
	})
}

// RemovePermission removes a statement from the policy of a function, version or alias.
func (s *Service) RemovePermission(function, statementID string) error {
	return s.removePermission(function, statementID, "")
}

func (s *Service) removePermission(function, statementID, revision string) error {
	return s.editPolicy(function, revision, func(policy []Permission) ([]Permission, error) {
		rest := slices.DeleteFunc(slices.Clone(policy), func(q Permission) bool { return q.StatementID == statementID })
		if len(rest) == len(policy) {
			return nil, &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
				Message: "Statement " + statementID + " is not found in resource policy."}
		}
		return rest, nil
	})
}

// editPolicy changes the policy of what name stands for. revision is the one that it must have,
// unless it is empty.
func (s *Service) editPolicy(name, revision string, edit func([]Permission) ([]Permission, error)) error {
	_, qualifier := splitName(name)
	_, err := s.edit(name, func(fam *family, rec *record) error {
		switch {
		case fam.latest().missing != nil:
			return fam.latest().errMissing()
		case qualifier == latest:
			return awsproto.Errorf("InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
		case !rec.has(qualifier):
			return s.errNotFound(fam.name + ":" + qualifier)
		}
		policy, current := rec.policyOf(qualifier)
		if revision != "" && revision != *current {
			return errRevision()
		}
		edited, err := edit(slices.Clone(*policy))
		if err != nil {
			return err
		}
		*policy, *current = edited, awsproto.NewID()
		return nil
	})
	return err
}

// Policy returns the policy of what name stands for and its revision.
func (s *Service) Policy(name string) (policy []Permission, revision string, err error) {
	fam, qualifier, err := s.family(name)
	if err != nil {
		return nil, "", err
	}
	rec := fam.record()
	if !rec.has(qualifier) || fam.latest().missing != nil {
		return nil, "", s.errNotFound(withQualifier(fam.name, qualifier))
	}
	p, r := rec.policyOf(qualifier)
	return slices.Clone(*p), *r, nil
}

// allows says that the policy lets a service principal call the function on behalf of source.
func allows(policy []Permission, principal, source string) bool {
	return slices.ContainsFunc(policy, func(p Permission) bool {
		return !p.ViaURL && p.URLAuthType == "" && (p.Action == "lambda:InvokeFunction" || p.Action == "lambda:*" || p.Action == "*") &&
			(p.Principal == principal || p.Principal == "*") &&
			(p.SourceARN == "" || awsproto.Like(p.SourceARN, source)) &&
			(p.SourceAccount == "" || p.SourceAccount == accountOf(source))
	})
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
