package cloudformation

import (
	"fmt"
	"slices"
	"strings"
)

// exporter is the stack that exports name and the output that does it. s.mu is held.
func (s *Service) exporter(name string) (*stack, *output) {
	for _, st := range s.stacks {
		if !st.live() {
			continue
		}
		for i := range st.Outputs {
			if st.Outputs[i].Export == name && name != "" {
				return st, &st.Outputs[i]
			}
		}
	}
	return nil, nil
}

// importers are the names of the stacks that import name, sorted. s.mu is held.
func (s *Service) importers(name string) []string {
	var names []string
	for _, st := range s.stacks {
		if st.live() && slices.Contains(st.Imports, name) {
			names = append(names, st.Name)
		}
	}
	slices.Sort(names)
	return names
}

// use records that a stack imports names, so that from now on nobody may take them away; those
// that it used before stay held until the operation is over. s.mu is held.
func (s *Service) use(st *stack, names []string) error {
	for _, name := range names {
		if _, out := s.exporter(name); out == nil {
			return wordsf("No export named %s found", name)
		}
	}
	st.Imports = union(st.Imports, names)
	return nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// refuseDelete says why a stack cannot be deleted: the first of its exports that is imported. In
// the words that CloudFormation uses since about 2023; before it said "Export X cannot be deleted
// as it is in use by Y" (https://github.com/aws/aws-cdk/issues/604,
// https://github.com/aws/aws-cdk/issues/33395). s.mu is held.
func (s *Service) refuseDelete(st *stack) string {
	return s.refuseOutputs(st, nil)
}

// refuseOutputs says why a stack cannot have outputs instead of those that it has. s.mu is held.
func (s *Service) refuseOutputs(st *stack, outputs []output) string {
	for _, old := range st.Outputs {
		if old.Export == "" {
			continue
		}
		users := strings.Join(s.importers(old.Export), ", ")
		i := slices.IndexFunc(outputs, func(o output) bool { return o.Export == old.Export })
		switch {
		case users == "":
		case i < 0:
			return fmt.Sprintf("Delete canceled. Cannot delete export %s as it is in use by %s.", old.Export, users)
		case outputs[i].Value != old.Value:
			return fmt.Sprintf("Cannot update export %s as it is in use by %s.", old.Export, users)
		}
	}
	seen := map[string]bool{}
	for _, o := range outputs {
		if o.Export == "" {
			continue
		}
		if other, _ := s.exporter(o.Export); other != nil && other != st {
			return fmt.Sprintf("Export with name %s is already exported by stack %s.", o.Export, other.Name)
		}
		if seen[o.Export] {
			return fmt.Sprintf("Export with name %s is duplicated in the template.", o.Export)
		}
		seen[o.Export] = true
	}
	return ""
}
