package iam

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// purpose is what a policy document is for: who may take a role, or what its holder may do.
type purpose int

const (
	trust purpose = iota
	permissions
)

type statement struct {
	Sid                     string
	Effect                  string
	Principal, NotPrincipal json.RawMessage
	Action, NotAction       awsproto.OneOrMany[string]
	Resource, NotResource   awsproto.OneOrMany[string]
	Condition               map[string]map[string]json.RawMessage
}

// UnmarshalJSON refuses members that a statement does not have: the strictness of the document's decoder does not
// reach here, through the list that may be one.
func (s *statement) UnmarshalJSON(data []byte) error {
	type members statement
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode((*members)(s))
}

// checkPolicy tells whether document has the form of a policy:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func checkPolicy(document string, p purpose) error {
	malformed := func(format string, args ...any) error {
		return awsproto.Errorf("MalformedPolicyDocument", format, args...)
	}
	var doc struct {
		Version   string
		ID        string `json:"Id"`
		Statement awsproto.OneOrMany[statement]
	}
	d := json.NewDecoder(bytes.NewReader([]byte(document)))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return malformed("This policy contains invalid Json: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("This policy contains invalid Json: something stands behind it")
	}
	switch doc.Version {
	case "", "2008-10-17", "2012-10-17":
	default:
		return malformed("The policy must contain a valid version string: %q", doc.Version)
	}
	if len(doc.Statement) == 0 {
		return malformed("Syntax errors in policy: it has no Statement")
	}
	for i, st := range doc.Statement {
		hasPrincipal := st.Principal != nil || st.NotPrincipal != nil
		hasResource := len(st.Resource)+len(st.NotResource) > 0
		switch {
		case st.Effect != "Allow" && st.Effect != "Deny":
			return malformed("Syntax errors in policy: Statement[%d].Effect is %q; it is Allow or Deny", i, st.Effect)
		case (len(st.Action) > 0) == (len(st.NotAction) > 0):
			return malformed("Policy statement must contain actions: Statement[%d] has one of Action and NotAction", i)
		case p == trust && !hasPrincipal:
			return malformed("AssumeRolepolicy must contain a principal: Statement[%d]", i)
		case p == trust && hasResource:
			return malformed("Has prohibited field Resource: Statement[%d]", i)
		case p == permissions && hasPrincipal:
			return malformed("Policy document should not specify a principal: Statement[%d]", i)
		case p == permissions && (len(st.Resource) > 0) == (len(st.NotResource) > 0):
			return malformed("Policy statement must contain resources: Statement[%d] has one of Resource and NotResource", i)
		}
	}
	return nil
}
