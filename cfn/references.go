package cfn

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// NameIn is the export's name in a stack, as far as the template alone tells: text, or Fn::Sub of the
// stack's name. ok is false for another function.
func (e Export) NameIn(stack string) (name string, ok bool) { return textIn(stack, e.Name) }

func textIn(stack string, v any) (string, bool) {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		v = m["Fn::Sub"]
	}
	name, ok := v.(string)
	name = strings.ReplaceAll(name, "${AWS::StackName}", stack)
	return name, ok && !strings.Contains(name, "${")
}

// References are what a value of a stack's template names: logical IDs of parameters and resources, by
// Ref, Fn::GetAtt and Fn::Sub, and exports of other stacks, by Fn::ImportValue under a name that
// Export.NameIn would tell. Both are sorted, and pseudo parameters are left out.
func References(stack string, value any) (ids, imports []string, err error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a part of stack %s: %w", stack, err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, nil, fmt.Errorf("reading a part of stack %s: %w", stack, err)
	}
	walk(v, func(function string, argument any) {
		if function == "Fn::ImportValue" {
			if name, ok := textIn(stack, argument); ok {
				imports = append(imports, name)
			}
			return
		}
		if list, ok := argument.([]any); ok && len(list) > 0 {
			argument = list[0]
		}
		text, ok := argument.(string)
		switch {
		case !ok:
		case function == "Ref" && !strings.Contains(text, "::"):
			ids = append(ids, text)
		case function == "Fn::GetAtt":
			id, _, _ := strings.Cut(text, ".")
			ids = append(ids, id)
		case function == "Fn::Sub":
			ids = append(ids, variables(text)...)
		}
	})
	slices.Sort(ids)
	slices.Sort(imports)
	return slices.Compact(ids), slices.Compact(imports), nil
}

// walk calls f with every key of every object in a JSON value, and what is under it.
func walk(v any, f func(key string, value any)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			walk(item, f)
		}
	case map[string]any:
		for key, item := range v {
			f(key, item)
			walk(item, f)
		}
	}
}

// variables are the logical IDs in the text of an Fn::Sub.
func variables(text string) (ids []string) {
	for {
		_, rest, ok := strings.Cut(text, "${")
		if !ok {
			return ids
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return ids
		}
		id, _, _ := strings.Cut(name, ".")
		if !strings.HasPrefix(id, "!") && !strings.Contains(id, "::") {
			ids = append(ids, id)
		}
		text = after
	}
}
