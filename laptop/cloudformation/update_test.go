package cloudformation

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const before1 = `
Resources:
  A: {Type: Test::Memory::Thing, Properties: {Name: a, Value: 1}}
  B: {Type: Test::Memory::Thing, Properties: {Value: !GetAtt A.Arn}}
  Same: {Type: Test::Memory::Thing, Properties: {Value: 1.50}}
  Old: {Type: Test::Memory::Thing, Properties: {Value: !Ref B}}
Outputs: {B: {Value: !GetAtt B.Value}}
`

const after1 = `
Resources:
  A: {Type: Test::Memory::Thing, Properties: {Name: b, Value: 2}}
  B: {Type: Test::Memory::Thing, Properties: {Value: !GetAtt A.Arn}}
  Same: {Type: Test::Memory::Thing, Properties: {Value: 1.50}}
  New: {Type: Test::Memory::Thing, Properties: {Value: !Ref B}}
Outputs: {B: {Value: !GetAtt B.Value}, New: {Value: x}}
`

// oneByOne makes the order of events the same every time.
func oneByOne(c *Config) { c.Parallel = 1 }

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := start(t, oneByOne)
	f.create("S", before1)
	f.memory.done()
	f.forget()
	if got := f.update("S", after1); got != updateComplete {
		t.Fatalf("status %s: %s", got, f.trace("S"))
	}
	want := []string{
		"S UPDATE_IN_PROGRESS User Initiated",
		"A UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.",
		"A UPDATE_IN_PROGRESS Resource creation Initiated", "A UPDATE_COMPLETE",
		"B UPDATE_IN_PROGRESS", "B UPDATE_COMPLETE",
		"New CREATE_IN_PROGRESS", "New CREATE_IN_PROGRESS Resource creation Initiated", "New CREATE_COMPLETE",
		"S UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
		"A DELETE_IN_PROGRESS", "A DELETE_COMPLETE",
		"Old DELETE_IN_PROGRESS", "Old DELETE_COMPLETE",
		"S UPDATE_COMPLETE",
	}
	if diff := cmp.Diff(want, f.trace("S")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b := "arn:thing:" + f.memory.physical("A")
	if diff := cmp.Diff(map[string]string{"A": "2", "B": b, "Same": "1.50", "New": f.memory.physical("B")}, f.memory.values()); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"B": b, "New": "x"}, f.outputs("S")); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	f.refuse("UpdateStack", "ValidationError", "No updates are to be performed.", "StackName", "S", "TemplateBody", after1)
}

// Only outputs or tags changed is a change, too.
func TestUpdateOfOutputsAndTags(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", before1)
	f.memory.done()
	outputs := strings.Replace(before1, "Value: !GetAtt B.Value", "Value: other", 1)
	if got := f.update("S", outputs); got != updateComplete || f.outputs("S")["B"] != "other" {
		t.Errorf("status %s, outputs %v", got, f.outputs("S"))
	}
	if log := f.memory.done(); len(log) > 0 {
		t.Errorf("resources were touched: %v", log)
	}
	policy := strings.Replace(outputs, "A: {Type: Test::Memory::Thing,", "A: {Type: Test::Memory::Thing, DeletionPolicy: Retain,", 1)
	if got := f.update("S", policy); got != updateComplete {
		t.Errorf("status %s", got)
	}
	f.remove("S")
	if diff := cmp.Diff(map[string]string{"A": "1"}, f.memory.values()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestFailedUpdateRestoresValues(t *testing.T) {
	t.Parallel()
	f := start(t, oneByOne)
	f.create("S", before1)
	was, outputs := f.memory.values(), f.outputs("S")
	f.memory.failAt("create New", errOnPurpose)
	f.forget()
	if got := f.update("S", after1); got != updateRollbackComplete {
		t.Fatalf("status %s: %s", got, f.trace("S"))
	}
	want := []string{
		"S UPDATE_IN_PROGRESS User Initiated",
		"A UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.",
		"A UPDATE_IN_PROGRESS Resource creation Initiated", "A UPDATE_COMPLETE",
		"B UPDATE_IN_PROGRESS", "B UPDATE_COMPLETE",
		"New CREATE_IN_PROGRESS", "New CREATE_FAILED on purpose",
		"S UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [New]. ",
		"A UPDATE_COMPLETE",
		"B UPDATE_IN_PROGRESS", "B UPDATE_COMPLETE",
		"S UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
		"A DELETE_IN_PROGRESS", "A DELETE_COMPLETE",
		"New DELETE_COMPLETE",
		"S UPDATE_ROLLBACK_COMPLETE",
	}
	if diff := cmp.Diff(want, f.trace("S")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(was, f.memory.values()); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(outputs, f.outputs("S")); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	// And from there it can be updated again.
	f.memory.failAt("create New", nil)
	if got := f.update("S", after1); got != updateComplete {
		t.Errorf("status %s", got)
	}
}

func TestFailedUpdateInPlace(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", before1)
	was := f.memory.values()
	f.memory.failAt("update B", errOnPurpose)
	// B fails on the way there and on the way back.
	if got := f.update("S", strings.Replace(before1, "Value: !GetAtt A.Arn", "Value: x", 1)); got != updateRollbackFailed {
		t.Fatalf("status %s", got)
	}
	if got, want := f.reason("S"), "The following resource(s) failed to update: [B]. "; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if diff := cmp.Diff(was, f.memory.values()); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
	if got := f.remove("S"); got != deleteComplete {
		t.Errorf("after delete: %s", got)
	}
}

// A clean-up that fails is given up after three tries, and the update is a success all the same.
func TestFailedCleanUp(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", before1)
	f.memory.failAt("delete Old", errOnPurpose)
	f.memory.done()
	if got := f.update("S", after1); got != updateComplete {
		t.Fatalf("status %s", got)
	}
	tries := 0
	for _, what := range f.memory.done() {
		if what == "delete Old" {
			tries++
		}
	}
	if tries != 3 {
		t.Errorf("Old was tried %d times", tries)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Parameters = vault{"/size": "large"} })
	const template = `
Parameters:
  Stage: {Type: String}
  Password: {Type: String, NoEcho: true}
  Size: {Type: "AWS::SSM::Parameter::Value<String>", Default: /size}
Resources:
  A: {Type: Test::Memory::Thing, Properties: {Value: !Sub "${Stage} ${Password} ${Size}"}}
`
	f.create("S", template, "Stage", "test", "Password", "hunter2")
	if got := f.memory.values()["A"]; got != "test hunter2 large" {
		t.Errorf("A is %q", got)
	}
	f.post("UpdateStack", "StackName", "S", "UsePreviousTemplate", "true",
		"Parameters.member.1.ParameterKey", "Stage", "Parameters.member.1.ParameterValue", "prod",
		"Parameters.member.2.ParameterKey", "Password", "Parameters.member.2.UsePreviousValue", "true")
	f.settle("S")
	if got := f.memory.values()["A"]; got != "prod hunter2 large" {
		t.Errorf("A is %q", got)
	}
	stacks, events := f.post("DescribeStacks", "StackName", "S"), f.post("DescribeStackEvents", "StackName", "S")
	for name, text := range map[string]string{"stack": stacks, "events": events} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("the %s shows the password: %s", name, text)
		}
	}
	if want := "<ParameterKey>Password</ParameterKey><ParameterValue>****</ParameterValue>"; !strings.Contains(stacks, want) {
		t.Errorf("no %s in %s", want, stacks)
	}
	if want := "<ParameterValue>/size</ParameterValue><ResolvedValue>large</ResolvedValue>"; !strings.Contains(stacks, want) {
		t.Errorf("no %s in %s", want, stacks)
	}
	if want := "prod **** large"; !strings.Contains(events, want) {
		t.Errorf("no %s in %s", want, events)
	}
	f.memory.failAt("update A", errors.New("hunter2 is too short"))
	f.post("UpdateStack", "StackName", "S", "UsePreviousTemplate", "true",
		"Parameters.member.1.ParameterKey", "Stage", "Parameters.member.1.ParameterValue", "dev",
		"Parameters.member.2.ParameterKey", "Password", "Parameters.member.2.UsePreviousValue", "true")
	f.settle("S")
	if trace := strings.Join(f.trace("S"), "\n"); !strings.Contains(trace, "A UPDATE_FAILED **** is too short") {
		t.Errorf("events: %s", trace)
	}
	f.remove("S")
	f.memory.failAt("update A", nil)
	f.create("S", template, "Stage", "test", "Password", "x")
	f.refuse("UpdateStack", "ValidationError", "Invalid input for parameter key Nope. Cannot specify usePreviousValue as true for a parameter key not in the previous template",
		"StackName", "S", "UsePreviousTemplate", "true", "Parameters.member.1.ParameterKey", "Nope", "Parameters.member.1.UsePreviousValue", "true")
}
