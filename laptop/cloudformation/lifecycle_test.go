package cloudformation

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

// parametersOf makes parameters out of keys and values in turn.
func parametersOf(pairs []string) []types.Parameter {
	var out []types.Parameter
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, types.Parameter{ParameterKey: aws.String(pairs[i]), ParameterValue: aws.String(pairs[i+1])})
	}
	return out
}

func TestCreateInTheOrderOfDependencies(t *testing.T) {
	t.Parallel()
	f := start(t)
	status := f.create("S", `
Parameters:
  Stage: {Type: String, Default: test}
Resources:
  C: {Type: Test::Memory::Thing, Properties: {Value: !Sub "${B.Arn} in ${Stage}"}}
  B: {Type: Test::Memory::Thing, Properties: {Value: !Ref A}}
  A: {Type: Test::Memory::Thing, Properties: {Value: 5}}
Outputs:
  A: {Value: !Ref A}
  C: {Value: !GetAtt C.Value, Export: {Name: !Sub "${AWS::StackName}-C"}}
  Port: {Value: !GetAtt C.Endpoint.Port}
`, "Stage", "prod")
	if status != createComplete {
		t.Fatalf("status %s: %s", status, f.trace("S"))
	}
	if diff := cmp.Diff([]string{"create A", "create B", "create C"}, f.memory.done()); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	want := []string{
		"S CREATE_IN_PROGRESS User Initiated",
		"A CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS Resource creation Initiated", "A CREATE_COMPLETE",
		"B CREATE_IN_PROGRESS", "B CREATE_IN_PROGRESS Resource creation Initiated", "B CREATE_COMPLETE",
		"C CREATE_IN_PROGRESS", "C CREATE_IN_PROGRESS Resource creation Initiated", "C CREATE_COMPLETE",
		"S CREATE_COMPLETE",
	}
	if diff := cmp.Diff(want, f.trace("S")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	out := f.outputs("S")
	if want := "arn:thing:" + f.memory.physical("B") + " in prod"; out["C"] != want || out["Port"] != "8086" {
		t.Errorf("outputs %v, want C %q", out, want)
	}
	f.memory.done()
	if got := f.remove("S"); got != deleteComplete {
		t.Fatalf("after delete: %s", got)
	}
	if diff := cmp.Diff([]string{"delete C", "delete B", "delete A"}, f.memory.done()); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if left := f.memory.values(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// physical is the physical ID of the thing with a logical ID.
func (m *memory) physical(logical string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.things {
		if t.Logical == logical {
			return t.PhysicalID
		}
	}
	return ""
}
