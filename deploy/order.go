package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
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
			if name, ok := o.Export.NameIn(s.Name); ok {
				exporter[name] = i
			}
		}
	}
	for i, s := range stacks {
		_, names, err := cfn.References(s.Name, s.Template)
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
