// Package iam says what a function may do on AWS.
//
//	orders.Permissions = []iam.Statement{
//		iam.Allow("s3:GetObject", "s3:PutObject").On("arn:aws:s3:::shop-orders/*"),
//		iam.Allow("sqs:SendMessage").On(cfn.GetAtt("Queue", "Arn")),
//	}
//
// A function that is given nothing may write its log and nothing else.
package iam

import (
	"errors"
	"fmt"
	"strings"
)

// Statement is one statement of a policy.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
type Statement struct {
	// Effect is Allow or Deny.
	Effect string
	// Action names calls, as in s3:GetObject; the last part may hold wildcards.
	Action []string
	// Resource are ARNs, or functions of package cfn that become one.
	Resource []any
	// Condition narrows it: operator, key, values.
	Condition map[string]any `json:",omitempty"`
}

// Allow begins a statement that lets a function make calls.
func Allow(actions ...string) Statement { return Statement{Effect: "Allow", Action: actions} }

// Deny begins a statement that keeps a function from calls, whatever else allows them.
func Deny(actions ...string) Statement { return Statement{Effect: "Deny", Action: actions} }

// On says on what: ARNs, functions of package cfn, or "*" for calls that know no resource.
func (s Statement) On(resources ...any) Statement {
	s.Resource = append(s.Resource[:len(s.Resource):len(s.Resource)], resources...)
	return s
}

// If narrows the statement: If("StringEquals", "s3:prefix", "orders/").
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func (s Statement) If(operator, key string, values ...any) Statement {
	conditions := map[string]any{}
	for o, keys := range s.Condition {
		conditions[o] = keys
	}
	keys := map[string]any{}
	if had, ok := conditions[operator].(map[string]any); ok {
		for k, v := range had {
			keys[k] = v
		}
	}
	keys[key] = values
	conditions[operator] = keys
	s.Condition = conditions
	return s
}

// Validate reports what IAM would refuse, and what allows everything: an action * names no service.
func (s Statement) Validate() error {
	var errs []error
	if s.Effect != "Allow" && s.Effect != "Deny" {
		errs = append(errs, fmt.Errorf("effect %q: Allow or Deny", s.Effect))
	}
	if len(s.Action) == 0 {
		errs = append(errs, errors.New("a statement names an action, as in s3:GetObject"))
	}
	for _, a := range s.Action {
		service, call, ok := strings.Cut(a, ":")
		if !ok || service == "" || call == "" || strings.ContainsAny(service, "*? ") {
			errs = append(errs, fmt.Errorf("action %q: it is SERVICE:CALL, as in s3:GetObject", a))
		}
	}
	if len(s.Resource) == 0 {
		errs = append(errs, fmt.Errorf("%s: on what? On(…) names ARNs, or * for a call that knows no resource", strings.Join(s.Action, ", ")))
	}
	for _, r := range s.Resource {
		switch r := r.(type) {
		case string:
			if r != "*" && !strings.HasPrefix(r, "arn:") {
				errs = append(errs, fmt.Errorf("resource %q: it is an ARN, as in arn:aws:s3:::bucket/*, or a function of package cfn", r))
			}
		case map[string]any:
		default:
			errs = append(errs, fmt.Errorf("resource %v: it is an ARN or a function of package cfn", r))
		}
	}
	return errors.Join(errs...)
}
