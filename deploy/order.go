package deploy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
)

// order puts each stack behind those that it imports from, and otherwise leaves them as they are. Imports
// under names that only CloudFormation can tell, such as a parameter's, are left out of account. A circle is
// an error that names it.
func order(stacks []ephor.Stack) ([]ephor.Stack, error) {
	exporter := map[string]int{}
	below := make([][]int, len(stacks)) // by stack, those it imports from
	for i, s := range stacks {
		if slices.ContainsFunc(stacks[:i], func(other ephor.Stack) bool { return other.Name == s.Name }) {
			return nil, fmt.Errorf("stack %s: there are two of that name", s.Name)
		}
		for _, o := range s.Template.Outputs {
			if o.Export == nil {
				continue
			}
			if name, ok := exportName(o.Export.Name, s.Name); ok {
				exporter[name] = i
			}
		}
	}
	for i, s := range stacks {
		names, err := imports(s)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if from, ok := exporter[name]; ok {
				below[i] = append(below[i], from)
			}
		}
	}
	var (
		out   []ephor.Stack
		path  []int // from a stack down to what is looked at
		state = make([]int, len(stacks))
		visit func(int) error
	)
	const underWay, done = 1, 2
	visit = func(i int) error {
		path = append(path, i)
		defer func() { path = path[:len(path)-1] }()
		switch state[i] {
		case done:
			return nil
		case underWay:
			var names []string
			for _, p := range path[slices.Index(path, i):] {
				names = append(names, stacks[p].Name)
			}
			return fmt.Errorf("stacks import from each other in a circle: %s", strings.Join(names, " from "))
		}
		state[i] = underWay
		for _, from := range below[i] {
			if err := visit(from); err != nil {
				return err
			}
		}
		state[i] = done
		out = append(out, stacks[i])
		return nil
	}
	for i := range stacks {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// exportName is a name as text, or as Fn::Sub of the stack's name alone.
func exportName(v any, stack string) (string, bool) {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		v = m["Fn::Sub"]
	}
	name, ok := v.(string)
	name = strings.ReplaceAll(name, "${AWS::StackName}", stack)
	return name, ok && !strings.Contains(name, "${")
}

// imports are the names that a stack imports, as far as the template alone tells.
func imports(s ephor.Stack) ([]string, error) {
	text, err := json.Marshal(s.Template)
	if err != nil {
		return nil, fmt.Errorf("encoding the template of stack %s: %w", s.Name, err)
	}
	var template any
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("reading the template of stack %s: %w", s.Name, err)
	}
	var names []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for key, item := range v {
				if key == "Fn::ImportValue" {
					if name, ok := exportName(item, s.Name); ok {
						names = append(names, name)
					}
				}
				walk(item)
			}
		}
	}
	walk(template)
	slices.Sort(names)
	return slices.Compact(names), nil
}
