package cloudformation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

// changeSet makes a change set and describes it.
func (f *fixture) changeSet(stack, name string, kind types.ChangeSetType, template string, params ...string) *sdk.DescribeChangeSetOutput {
	f.Helper()
	if _, err := f.client.CreateChangeSet(f.Context(), &sdk.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: &name, ChangeSetType: kind, TemplateBody: &template, Parameters: parametersOf(params),
	}); err != nil {
		f.Fatal(err)
	}
	out, err := f.client.DescribeChangeSet(f.Context(), &sdk.DescribeChangeSetInput{StackName: &stack, ChangeSetName: &name, IncludePropertyValues: aws.Bool(true)})
	if err != nil {
		f.Fatal(err)
	}
	return out
}

func (f *fixture) execute(stack, name string) string {
	f.Helper()
	if _, err := f.client.ExecuteChangeSet(f.Context(), &sdk.ExecuteChangeSetInput{StackName: &stack, ChangeSetName: &name}); err != nil {
		f.Fatal(err)
	}
	return f.settle(stack)
}

// lines tells changes in short: one line for each, and one for each detail.
func lines(changes []types.Change) []string {
	var out []string
	for _, c := range changes {
		r := c.ResourceChange
		line := strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Action, aws.ToString(r.LogicalResourceId), r.Replacement))
		if r.PolicyAction != "" {
			line += " " + string(r.PolicyAction)
		}
		for _, s := range r.Scope {
			line += " " + string(s)
		}
		out = append(out, line)
		for _, d := range r.Details {
			t := d.Target
			out = append(out, strings.TrimRight(fmt.Sprintf("  %s %s %s: %s %s %s", t.Attribute, aws.ToString(t.Name), t.RequiresRecreation,
				d.Evaluation, d.ChangeSource, aws.ToString(d.CausingEntity)), " "))
			if t.BeforeValue != nil || t.AfterValue != nil {
				out = append(out, fmt.Sprintf("    %q -> %q", aws.ToString(t.BeforeValue), aws.ToString(t.AfterValue)))
			}
		}
	}
	return out
}

func TestChangeSetLife(t *testing.T) {
	t.Parallel()
	f := start(t)
	cs := f.changeSet("S", "first", types.ChangeSetTypeCreate, chain)
	if cs.Status != types.ChangeSetStatusCreateComplete || cs.ExecutionStatus != types.ExecutionStatusAvailable {
		t.Fatalf("status %s, %s", cs.Status, cs.ExecutionStatus)
	}
	if diff := cmp.Diff([]string{"Add A", "Add B", "Add C"}, lines(cs.Changes)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := f.settle("S"); got != reviewInProgress {
		t.Errorf("status %s", got)
	}
	if log := f.memory.done(); len(log) > 0 {
		t.Errorf("a change set touched resources: %v", log)
	}
	f.refuse("UpdateStack", "ValidationError", "Stack [S] does not exist", "StackName", "S", "TemplateBody", chain)
	f.changeSet("S", "other", types.ChangeSetTypeCreate, chain)
	if got := f.execute("S", "first"); got != createComplete {
		t.Fatalf("status %s", got)
	}
	f.refuse("ExecuteChangeSet", "InvalidChangeSetStatus", "cannot be executed in its current execution status of [EXECUTE_COMPLETE]", "StackName", "S", "ChangeSetName", "first")
	f.refuse("DescribeChangeSet", "ChangeSetNotFound", "ChangeSet [other] does not exist", "StackName", "S", "ChangeSetName", "other")
	f.refuse("CreateChangeSet", "ValidationError", "Stack [S] already exists and cannot be created again with the changeSet [x].",
		"StackName", "S", "ChangeSetName", "x", "ChangeSetType", "CREATE", "TemplateBody", chain)

	cs = f.changeSet("S", "empty", types.ChangeSetTypeUpdate, chain)
	if cs.Status != types.ChangeSetStatusFailed || cs.ExecutionStatus != types.ExecutionStatusUnavailable ||
		aws.ToString(cs.StatusReason) != "The submitted information didn't contain changes. Submit different information to create a change set." {
		t.Errorf("an empty change set: %s, %s, %s", cs.Status, cs.ExecutionStatus, aws.ToString(cs.StatusReason))
	}
	f.refuse("ExecuteChangeSet", "InvalidChangeSetStatus", "cannot be executed in its current status of [FAILED]", "StackName", "S", "ChangeSetName", "empty")

	cs = f.changeSet("S", "lost", types.ChangeSetTypeUpdate, chain+"\n  D: {Type: Test::Memory::Thing, Properties: {Value: !ImportValue nope}}")
	if cs.Status != types.ChangeSetStatusFailed || aws.ToString(cs.StatusReason) != "No export named nope found" {
		t.Errorf("a missing import: %s, %s", cs.Status, aws.ToString(cs.StatusReason))
	}
	f.post("DeleteChangeSet", "StackName", "S", "ChangeSetName", "lost")
	f.refuse("DescribeChangeSet", "ChangeSetNotFound", "ChangeSet [lost] does not exist", "StackName", "S", "ChangeSetName", "lost")

	f.changeSet("S", "late", types.ChangeSetTypeUpdate, strings.Replace(chain, "!Ref A", "x", 1))
	f.update("S", strings.Replace(chain, "!Ref A", "y", 1))
	f.refuse("ExecuteChangeSet", "InvalidChangeSetStatus", "cannot be executed in its current execution status of [OBSOLETE]", "StackName", "S", "ChangeSetName", "late")

	out, err := f.client.ListChangeSets(t.Context(), &sdk.ListChangeSetsInput{StackName: aws.String("S")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range out.Summaries {
		names = append(names, fmt.Sprintf("%s %s", aws.ToString(s.ChangeSetName), s.ExecutionStatus))
	}
	if diff := cmp.Diff([]string{"first EXECUTE_COMPLETE", "empty UNAVAILABLE", "late OBSOLETE"}, names); diff != "" {
		t.Errorf("change sets (-want +got):\n%s", diff)
	}
}

func TestChangeSetSaysWhatIsReplaced(t *testing.T) {
	t.Parallel()
	f := start(t)
	const before = `
Parameters: {Stage: {Type: String, Default: test}, Key: {Type: String, NoEcho: true, Default: hunter2}}
Resources:
  A: {Type: Test::Memory::Thing, UpdateReplacePolicy: Retain, Properties: {Name: !Ref Stage, Value: same}}
  B: {Type: Test::Memory::Thing, Properties: {Value: !Ref A}}
  C: {Type: Test::Memory::Thing, Properties: {Name: !GetAtt B.Arn}}
  D: {Type: Test::Memory::Thing, Properties: {Value: !Ref C, Secret: !Ref Key}}
  E: {Type: Test::Memory::Thing, Properties: {Value: 1, Size: 2}}
  Kept: {Type: Test::Memory::Thing, DeletionPolicy: Retain}
  Gone: {Type: Test::Memory::Thing}
`
	after := strings.NewReplacer(
		"Properties: {Value: 1, Size: 2}", "Metadata: {m: 1}, Properties: {Value: 2, List: [x]}",
		"  Kept: {Type: Test::Memory::Thing, DeletionPolicy: Retain}\n", "",
		"Gone: {Type", "New: {Type",
	).Replace(before)
	f.create("S", before)
	a, b, c := f.memory.physical("A"), f.memory.physical("B"), f.memory.physical("C")
	cs := f.changeSet("S", "x", types.ChangeSetTypeUpdate, after, "Stage", "prod", "Key", "other")
	want := []string{
		"Modify A True ReplaceAndRetain Properties",
		"  Properties Name Always: Static ParameterReference Stage", `    "test" -> "prod"`,
		"  Properties Name Always: Dynamic DirectModification", `    "test" -> "prod"`,
		"Modify E False Properties Metadata",
		"  Properties List Never: Static DirectModification", `    "" -> "[\"x\"]"`,
		"  Properties Size Never: Static DirectModification", `    "2" -> ""`,
		"  Properties Value Never: Static DirectModification", `    "1" -> "2"`,
		"  Metadata  Never: Static DirectModification",
		"Add New",
		"Modify B False Properties",
		"  Properties Value Never: Dynamic ResourceReference A", fmt.Sprintf("    %q -> %q", a, "{{changeSet:KNOWN_AFTER_APPLY}}"),
		"Modify C Conditional ReplaceAndDelete Properties",
		"  Properties Name Always: Dynamic ResourceAttribute B.Arn", fmt.Sprintf("    %q -> %q", "arn:thing:"+b, "{{changeSet:KNOWN_AFTER_APPLY}}"),
		"Modify D False Properties",
		"  Properties Secret Never: Static ParameterReference Key", `    "****" -> "****"`,
		"  Properties Secret Never: Dynamic DirectModification", `    "****" -> "****"`,
		"  Properties Value Never: Dynamic ResourceReference C", fmt.Sprintf("    %q -> %q", c, "{{changeSet:KNOWN_AFTER_APPLY}}"),
		"Remove Gone Delete",
		"Remove Kept Retain",
	}
	if diff := cmp.Diff(want, lines(cs.Changes)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := f.execute("S", "x"); got != updateComplete {
		t.Fatalf("status %s: %s", got, f.trace("S"))
	}
	// The conditional replacement did not happen after all: B is where it was.
	if got := f.memory.physical("C"); got != c {
		t.Errorf("C was replaced: %s, before %s", got, c)
	}
}

// What makes a property change is told of what has changed, and not of all that it is made of.
func TestChangeSetSaysWhy(t *testing.T) {
	t.Parallel()
	f := start(t)
	const before = `
Parameters: {Stage: {Type: String, Default: test}}
Conditions: {Prod: !Equals [!Ref Stage, prod]}
Resources:
  A: {Type: Test::Memory::Thing, Properties: {Value: 1}}
  B: {Type: Test::Memory::Thing, Properties: {Value: !Select [0, [one, !GetAtt A.Arn]]}}
  C: {Type: Test::Memory::Thing, Properties: {Value: !Sub "${Stage} one"}}
  D: {Type: Test::Memory::Thing, Properties: {Value: !If [Prod, !GetAtt A.Arn, !Ref Stage]}}
  E: {Type: Test::Memory::Thing, Properties: {Value: one}}
`
	f.create("S", before)
	after := strings.NewReplacer("Value: 1", "Value: 2", "one, !Get", "two, !Get", "} one", "} two", "Value: one", "Value: !Ref New").Replace(before) +
		"  New: {Type: Test::Memory::Thing}\n"
	cs := f.changeSet("S", "x", types.ChangeSetTypeUpdate, after)
	var why []string
	for _, line := range lines(cs.Changes) {
		if !strings.HasPrefix(line, "    ") {
			why = append(why, line)
		}
	}
	if diff := cmp.Diff([]string{
		"Modify A False Properties",
		"  Properties Value Never: Static DirectModification",
		"Modify C False Properties",
		"  Properties Value Never: Static DirectModification",
		"Add New",
		"Modify B False Properties",
		"  Properties Value Never: Dynamic ResourceAttribute A.Arn",
		"  Properties Value Never: Static DirectModification",
		"Modify E False Properties",
		"  Properties Value Never: Dynamic ResourceReference New",
	}, why); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of many change sets the oldest are forgotten.
func TestOldChangeSetsAreForgotten(t *testing.T) {
	t.Parallel()
	f := start(t)
	for i := range maxChangeSets + 2 {
		f.post("CreateChangeSet", "StackName", "S", "ChangeSetName", fmt.Sprintf("c%d", i), "ChangeSetType", "CREATE", "TemplateBody", chain)
	}
	for i, want := range map[int]bool{0: false, 1: false, 2: true, maxChangeSets + 1: true} {
		f.service.mu.RLock()
		got := f.service.find("S").changeSet(fmt.Sprintf("c%d", i)) != nil
		f.service.mu.RUnlock()
		if got != want {
			t.Errorf("change set %d is there: %v", i, got)
		}
	}
}
