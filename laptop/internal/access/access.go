// Package access evaluates the policies of resources, queues and topics, where an AWS service calls them
// on behalf of another resource:
//
//	err := access.Check(policy, access.Call{Principal: "sns.amazonaws.com", Action: "sqs:SendMessage", Resource: queueARN, SourceARN: topicARN, Account: account})
//
// The account's own programs are not asked for: the laptop has one user, who may do everything.
package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Call is what a service wants to do.
type Call struct {
	// Principal is the service's name, such as sns.amazonaws.com.
	Principal string
	// Action is the call, such as sqs:SendMessage, and Resource the ARN of what it is made on.
	Action, Resource string
	// SourceARN is what the service acts for, and Account whose that is.
	SourceARN, Account string
}

// Check returns nil if a policy lets the call be made, and otherwise an AccessDenied that says why not. No
// policy, "", lets no service in. See
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
//
// Evaluated are Effect, Principal, Action, Resource and conditions on aws:SourceArn, aws:SourceAccount and
// aws:SecureTransport, which is true of services. A statement with anything else that may concern the call
// is not passed over: the call is denied by the name of what is not known.
func Check(document string, c Call) error {
	denied := func(why string) error {
		return &awsproto.Error{Code: "AccessDenied", Status: http.StatusForbidden,
			Message: fmt.Sprintf("%s is not authorized to perform %s on %s for %s: %s", c.Principal, c.Action, c.Resource, c.SourceARN, why)}
	}
	if document == "" {
		return denied("it has no policy that allows it")
	}
	var policy struct {
		Statement awsproto.OneOrMany[map[string]json.RawMessage]
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return denied("its policy cannot be read: " + err.Error())
	}
	allowed := false
	for _, members := range policy.Statement {
		concerns, effect, err := c.concerned(members)
		switch {
		case err != nil:
			return denied(err.Error())
		case concerns && effect == "Deny":
			return denied("its policy denies it")
		case concerns && effect == "Allow":
			allowed = true
		}
	}
	if !allowed {
		return denied("no statement of its policy allows it")
	}
	return nil
}

// concerned says that a statement is about the call.
func (c Call) concerned(members map[string]json.RawMessage) (yes bool, effect string, err error) {
	var actions, resources awsproto.OneOrMany[string]
	var principal any
	var conditions map[string]map[string]awsproto.OneOrMany[any]
	for name, value := range members {
		into := map[string]any{"Effect": &effect, "Action": &actions, "Resource": &resources, "Principal": &principal, "Condition": &conditions, "Sid": new(string)}[name]
		if into == nil {
			return false, "", fmt.Errorf("on this machine %s of a policy is not evaluated", name)
		}
		if err := json.Unmarshal(value, into); err != nil {
			return false, "", fmt.Errorf("%s of its policy: %w", name, err)
		}
	}
	like := func(pattern string, s string) bool {
		return awsproto.Like(strings.ToLower(pattern), strings.ToLower(s))
	}
	if !slices.ContainsFunc(actions, func(a string) bool { return like(a, c.Action) }) ||
		!slices.ContainsFunc(resources, func(r string) bool { return awsproto.Like(r, c.Resource) }) || !c.is(principal) {
		return false, effect, nil
	}
	for operator, keys := range conditions {
		for key, values := range keys {
			holds, err := c.holds(operator, key, values)
			if err != nil || !holds {
				return false, effect, err
			}
		}
	}
	return true, effect, nil
}

// is says that a Principal element means the call's.
func (c Call) is(principal any) bool {
	m, ok := principal.(map[string]any)
	if !ok {
		return principal == "*"
	}
	for kind, who := range m {
		list, many := who.([]any)
		if !many {
			list = []any{who}
		}
		if kind == "Service" && slices.Contains(list, any(c.Principal)) || kind == "AWS" && slices.Contains(list, any("*")) {
			return true
		}
	}
	return false
}

func (c Call) holds(operator, key string, values []any) (bool, error) {
	got, known := map[string]string{"aws:sourcearn": c.SourceARN, "aws:sourceaccount": c.Account, "aws:securetransport": "true"}[strings.ToLower(key)]
	if !known {
		return false, fmt.Errorf("on this machine a condition on %s is not evaluated", key)
	}
	oneOf := func(fits func(want string) bool) bool {
		return slices.ContainsFunc(values, func(v any) bool { return fits(fmt.Sprint(v)) })
	}
	switch operator {
	case "StringEquals", "Bool":
		return oneOf(func(want string) bool { return want == got }), nil
	case "StringLike", "ArnLike", "ArnEquals": // ArnEquals knows wildcards, too
		return oneOf(func(want string) bool { return awsproto.Like(want, got) }), nil
	}
	return false, fmt.Errorf("on this machine the condition operator %s is not evaluated", operator)
}
