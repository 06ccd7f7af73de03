package deploy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	// stack exports its name followed by -Out and imports the others' of the names given.
	stack := func(name string, from ...string) ephor.Stack {
		s := ephor.Stack{Name: name, Template: cfn.Template{Outputs: map[string]cfn.Output{
			"Out": {Value: "x", Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Out")}},
		}}}
		for _, f := range from {
			s.Template.Outputs["From"+f] = cfn.Output{Value: cfn.Join("", "a", cfn.ImportValue(f+"-Out"))}
		}
		return s
	}
	f := func(want string, stacks ...ephor.Stack) {
		t.Helper()
		sorted, err := order(stacks)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			return
		}
		var names []string
		for _, s := range sorted {
			names = append(names, s.Name)
		}
		if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
			t.Error(diff)
		}
	}
	f("B A", stack("B"), stack("A"))
	f("A B", stack("B", "A"), stack("A"))
	f("D B C A", stack("A", "B", "C"), stack("B", "D"), stack("C", "D"), stack("D"))
	f("A", stack("A", "Elsewhere"))
	f("A from B from A", stack("A", "B"), stack("B", "A"))
	f("A from A", stack("A", "A"))
	f("there are two", stack("A"), stack("A"))
}
