package topology

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Permission is what a function may do, by one statement of its role.
type Permission struct {
	Function string // several, where they share a role
	Effect   string // Allow or Deny
	Actions  []string
	On       []string // ARNs, as far as the template alone tells
}

// statement is one as a role's policy has it, with lists or single values.
type statement struct {
	Effect           string
	Action, Resource any
}

// permissions are those of a stack's functions, by the policies that stand in their roles. A role or a
// policy that is elsewhere is not told.
func permissions(app *ephor.App, s ephor.Stack) ([]Permission, error) {
	holders := map[string][]string{} // functions, by their role
	for _, id := range slices.Sorted(maps.Keys(s.Template.Resources)) {
		r := s.Template.Resources[id]
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		roles, _, err := cfn.References(s.Name, r.Properties["Role"])
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		for _, role := range roles {
			holders[role] = append(holders[role], functionName(app, id))
		}
	}
	var all []Permission
	for _, role := range slices.Sorted(maps.Keys(holders)) {
		text, err := json.Marshal(s.Template.Resources[role].Properties["Policies"])
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", role, err)
		}
		var policies []struct {
			PolicyDocument struct{ Statement []statement }
		}
		if err := json.Unmarshal(text, &policies); err != nil { // a function of CloudFormation's may stand anywhere in it
			all = append(all, Permission{Function: strings.Join(holders[role], ", "), Effect: "Allow", Actions: []string{"what the template says of " + role}})
			continue
		}
		for _, p := range policies {
			for _, st := range p.PolicyDocument.Statement {
				all = append(all, Permission{Function: strings.Join(holders[role], ", "), Effect: st.Effect, Actions: texts(st.Action), On: texts(st.Resource)})
			}
		}
	}
	return all, nil
}

func functionName(app *ephor.App, id string) string {
	for _, f := range app.Functions() {
		if f.LogicalID() == id {
			return f.Name
		}
	}
	return id
}

// texts are the values of a list or of a single one, each as short as it can be told.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var all []string
	for _, v := range list {
		all = append(all, text(v))
	}
	return all
}

// text is a value of a template in a line: Ref X and Fn::GetAtt X.Arn as X, Fn::Sub as its text.
func text(v any) string {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		if s, ok := v.(string); ok {
			return s
		}
		return fmt.Sprint(v)
	}
	for name, argument := range m {
		list, isList := argument.([]any)
		switch {
		case name == "Ref", name == "Fn::Sub" && !isList, name == "Fn::ImportValue":
			return text(argument)
		case name == "Fn::GetAtt" && isList && len(list) == 2 && list[1] == "Arn":
			return text(list[0])
		case name == "Fn::GetAtt" && isList, name == "Fn::Sub":
			return text(list[0])
		case name == "Fn::Join" && isList && len(list) == 2:
			return strings.Join(texts(list[1]), text(list[0]))
		}
		return name + " …"
	}
	return ""
}
