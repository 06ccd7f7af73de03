package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
)

// unsupported are parameters of calls that would change what happens and are not carried out
// here. To accept them would be to lie.
func unsupported() []string {
	return []string{
		"StackPolicyBody", "StackPolicyURL", "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL",
		"ResourcesToImport.member.1.ResourceType", "RollbackConfiguration.RollbackTriggers.member.1.Arn",
		"ResourceTypes.member.1", "ImportExistingResources", "DeploymentMode", "RetainExceptOnCreate", "DeletionMode",
	}
}

func refuseUnsupported(f form) error {
	for _, name := range unsupported() {
		if v := f.get(name); v != "" && v != "false" && v != "STANDARD" {
			top, _, _ := strings.Cut(name, ".")
			return invalid("%s is not supported here", top)
		}
	}
	return nil
}

// templateText reads the template that a call gives. previous is the stack's own, for
// UsePreviousTemplate, if it has one.
func (s *Service) templateText(ctx context.Context, f form, previous *goal) (string, error) {
	body, url := f.get("TemplateBody"), f.get("TemplateURL")
	switch {
	case body != "" && url != "":
		return "", invalid("Either Template URL or Template Body must be specified, not both.")
	case len(body) > parse.MaxInline:
		return "", invalid("1 validation error detected: Value '<template-body>' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", parse.MaxInline)
	case body != "":
		return body, nil
	case url != "":
		if s.config.Templates == nil {
			return "", invalid("TemplateURL is not supported here")
		}
		text, err := s.config.Templates.Template(ctx, url)
		if err != nil {
			return "", invalid("S3 error: %v", err)
		}
		return string(text), nil
	case f.bool("UsePreviousTemplate") && previous != nil && previous.Template != "":
		return previous.Template, nil
	}
	return "", invalid("Either Template URL or Template Body must be specified.")
}

// newGoal reads what a call wants a stack to be. previous is what the stack is now, nil for a new
// one.
func (s *Service) newGoal(ctx context.Context, f form, previous *goal) (goal, error) {
	none := goal{}
	if err := refuseUnsupported(f); err != nil {
		return none, err
	}
	text, err := s.templateText(ctx, f, previous)
	if err != nil {
		return none, err
	}
	t, err := parse.Parse([]byte(text))
	if err == nil {
		err = s.check(t)
	}
	if err != nil {
		return none, err
	}
	g := goal{Template: text, Description: t.Description, Capabilities: f.strings("Capabilities"), RoleARN: f.get("RoleARN")}
	if err := checkCapabilities(t, g.Capabilities, f.has("ChangeSetName")); err != nil {
		return none, err
	}
	g.NotificationARNs = f.strings("NotificationARNs")
	for _, member := range f.list("Tags") {
		g.Tags = append(g.Tags, tag{member.get("Key"), member.get("Value")})
	}
	if previous != nil && !f.has("Tags") && len(g.Tags) == 0 {
		g.Tags = previous.Tags
	}
	if previous != nil && len(g.NotificationARNs) == 0 {
		g.NotificationARNs = previous.NotificationARNs
	}
	g.Parameters, err = s.parameters(ctx, t, f.list("Parameters"), previous)
	return g, err
}

// parameters resolves the parameters that a call gives.
func (s *Service) parameters(ctx context.Context, t *parse.Template, members []form, previous *goal) ([]parameter, error) {
	given := map[string]string{}
	for _, member := range members {
		key := member.get("ParameterKey")
		if _, twice := given[key]; twice {
			return nil, invalid("Duplicate parameter key %s", key)
		}
		if !member.bool("UsePreviousValue") {
			given[key] = member.get("ParameterValue")
			continue
		}
		i := -1
		if previous != nil {
			i = slices.IndexFunc(previous.Parameters, func(p parameter) bool { return p.Key == key })
		}
		if i < 0 {
			return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", key)
		}
		given[key] = previous.Parameters[i].Value
	}
	resolved, err := eval.Parameters(ctx, t, given, s.config.Parameters)
	if err != nil {
		return nil, err
	}
	var out []parameter
	for _, key := range sortedKeys(t.Parameters) {
		p := t.Parameters[key]
		value, ok := given[key]
		if !ok {
			value = fmt.Sprint(p.Default)
		}
		param := parameter{Key: key, Value: value, Resolved: resolved[key], NoEcho: p.NoEcho}
		if strings.HasPrefix(p.Type, "AWS::SSM::Parameter::Value<") {
			param.Store = plain(resolved[key])
		}
		out = append(out, param)
	}
	return out, nil
}

// plain is a parameter's value as it is shown.
func plain(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v)
	}
	parts := make([]string, len(list))
	for i, item := range list {
		parts[i] = fmt.Sprint(item)
	}
	return strings.Join(parts, ",")
}
