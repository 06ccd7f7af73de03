package cfn_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	value := []any{
		cfn.Ref("A"), cfn.Ref("AWS::Region"), cfn.GetAtt("B", "Arn"), map[string]any{"Fn::GetAtt": "C.Arn"},
		cfn.Sub("x ${D} ${E.Arn} ${!F} ${AWS::StackName} ${unfinished"), map[string]any{"Fn::Sub": []any{"${G}", map[string]any{"H": cfn.Ref("I")}}},
		cfn.ImportValue("Lower-Out"), cfn.ImportValue(cfn.Sub("${AWS::StackName}-Own")), cfn.ImportValue(cfn.Sub("${Parameter}-Out")),
		map[string]any{"Deep": cfn.Join("", cfn.ImportValue("Lower-Out"), cfn.Ref("A"))}, "Ref",
	}
	ids, imports, err := cfn.References("S", value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A", "B", "C", "D", "E", "G", "I", "Parameter"}, ids); diff != "" {
		t.Errorf("IDs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Lower-Out", "S-Own"}, imports); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
	if _, _, err := cfn.References("S", func() {}); err == nil {
		t.Error("a function is no part of a template")
	}
	for want, name := range map[string]any{"S-Out": cfn.Sub("${AWS::StackName}-Out"), "Out": "Out", "": cfn.Sub("${P}")} {
		got, ok := cfn.Export{Name: name}.NameIn("S")
		if ok != (want != "") || ok && got != want {
			t.Errorf("%v: %q %v", name, got, ok)
		}
	}
}
