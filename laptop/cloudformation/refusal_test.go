package cloudformation

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor/cfn/parse"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", chain)
	create := func(code, want, template string, pairs ...string) {
		t.Helper()
		f.refuse("CreateStack", code, want, append([]string{"StackName", "New", "TemplateBody", template}, pairs...)...)
		f.refuse("CreateChangeSet", code, want, append([]string{"StackName", "New", "ChangeSetName", "x", "ChangeSetType", "CREATE", "TemplateBody", template}, pairs...)...)
	}
	thing := func(rest string) string { return "Resources:\n  A: {Type: Test::Memory::Thing, " + rest + "}" }

	create("ValidationError", "Template format error: Unrecognized resource types: [AWS::Foo::Bar, Custom::X] (Resources.A.Type, line 1, column 17)",
		"Resources: {A: {Type: AWS::Foo::Bar}, B: {Type: Custom::X}, C: {Type: AWS::Foo::Bar}, D: {Type: Test::Memory::Thing}}")
	create("ValidationError", "Template format error: At least one Resources member must be defined. (line 1, column 1)", "Resources: {}")
	create("ValidationError", "Circular dependency between resources: [A, B] (Resources.A, line 1, column 13)",
		"Resources: {A: {Type: Test::Memory::Thing, DependsOn: B}, B: {Type: Test::Memory::Thing, DependsOn: A}}")
	create("ValidationError", "Template format error: Unresolved resource dependencies [X] in the Resources block of the template (Resources.A.Properties.Value.Ref, line 2, column 54)",
		thing("Properties: {Value: !Ref X}"))
	create("ValidationError", "Template error: resource A does not support attribute type Nope in Fn::GetAtt (Outputs.O.Value, line 3, column 15)",
		thing("Properties: {}")+"\nOutputs: {O: {Value: !GetAtt A.Nope}}")
	create("ValidationError", "Template error: variable AWS::NoValue in Fn::Sub expression does not resolve to a string (Outputs.O.Value.Fn::Sub, line 3, column 22)",
		thing("Properties: {}")+"\nOutputs: {O: {Value: !Sub 'a${AWS::NoValue}'}}")
	create("ValidationError", "Template error: AWS::NoValue stands where a value is needed (Outputs.O.Value, line 3, column 15)",
		thing("Properties: {}")+"\nOutputs: {O: {Value: !Ref 'AWS::NoValue'}}")
	create("ValidationError", "CreationPolicy is not supported for resource type Test::Memory::Thing", thing("CreationPolicy: {ResourceSignal: {Count: 1}}"))
	create("ValidationError", "UpdatePolicy is not supported here", thing("UpdatePolicy: {}"))
	create("ValidationError", "Template format error: Unrecognized DeletionPolicy Keep for resource A", thing("DeletionPolicy: Keep"))
	create("ValidationError", "Template error: resource type Test::Memory::Thing does not support deletion policy Snapshot", thing("DeletionPolicy: Snapshot"))
	create("ValidationError", "Template error: resource type Test::Memory::Thing does not support update replace policy Snapshot", thing("UpdateReplacePolicy: Snapshot"))
	create("ValidationError", "Template format error: Unrecognized UpdateReplacePolicy Keep for resource A", thing("UpdateReplacePolicy: Keep"))
	create("ValidationError", "Template format error: DeletionPolicy must be a string. (Resources.A.DeletionPolicy, line 2, column 34)", thing("DeletionPolicy: !Ref P"))
	f.refuse("CreateStack", "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
		"StackName", "New", "TemplateBody", "Transform: AWS::LanguageExtensions\n"+thing("Properties: {}"))
	create("ValidationError", "Parameters: [P] must have values", "Parameters: {P: {Type: String}}\n"+thing("Properties: {}"))
	create("ValidationError", "Parameters: [Q] do not exist in the template", thing("Properties: {}"), "Parameters.member.1.ParameterKey", "Q", "Parameters.member.1.ParameterValue", "1")
	create("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]", "Resources: {R: {Type: AWS::IAM::Role}}")
	create("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]",
		"Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: x}}}", "Capabilities.member.1", "CAPABILITY_IAM")
	create("ValidationError", "Member must have length less than or equal to 51200", strings.Repeat("#", parse.MaxInline+1))
	create("ValidationError", "TemplateURL is not supported here", "", "TemplateURL", "https://s3.amazonaws.com/b/k")
	create("ValidationError", "Either Template URL or Template Body must be specified.", "")
	create("ValidationError", "StackPolicyBody is not supported here", thing("Properties: {}"), "StackPolicyBody", "{}")

	f.refuse("CreateStack", "AlreadyExistsException", "Stack [S] already exists", "StackName", "S", "TemplateBody", chain)
	f.refuse("CreateStack", "ValidationError", "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", "StackName", "*x", "TemplateBody", chain)
	f.refuse("UpdateStack", "ValidationError", "No updates are to be performed.", "StackName", "S", "UsePreviousTemplate", "true")
	f.refuse("UpdateStack", "ValidationError", "Stack [Nope] does not exist", "StackName", "Nope", "TemplateBody", chain)
	f.refuse("UpdateStack", "ValidationError", "Update of resource type is not permitted. The new template modifies resource type of the following resources: [A]",
		"StackName", "S", "TemplateBody", strings.Replace(chain, "A: {Type: Test::Memory::Thing", "A: {Type: AWS::IAM::Role", 1), "Capabilities.member.1", "CAPABILITY_IAM")
	f.refuse("DescribeStacks", "ValidationError", "Stack with id Nope does not exist", "StackName", "Nope")
	f.refuse("DescribeStackEvents", "ValidationError", "Stack [Nope] does not exist", "StackName", "Nope")
	f.refuse("DescribeStackResource", "ValidationError", "Resource Nope does not exist for stack S", "StackName", "S", "LogicalResourceId", "Nope")
	f.refuse("DescribeStackResources", "ValidationError", "Stack with id Nope does not exist", "StackName", "Nope")
	f.refuse("ListStackResources", "ValidationError", "Stack with id Nope does not exist", "StackName", "Nope")
	f.refuse("GetTemplate", "ValidationError", "Stack with id Nope does not exist", "StackName", "Nope")
	f.refuse("DescribeChangeSet", "ValidationError", "Stack [Nope] does not exist", "StackName", "Nope", "ChangeSetName", "x")
	f.refuse("DeleteChangeSet", "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.", "ChangeSetName", "x")
	f.refuse("DeleteStack", "ValidationError", "Specify resources to retain only when the current stack state is DELETE_FAILED.", "StackName", "S", "RetainResources.member.1", "A")
	f.refuse("CreateChangeSet", "ValidationError", "Stack [Nope] does not exist", "StackName", "Nope", "ChangeSetName", "x", "TemplateBody", chain)
	f.refuse("CreateChangeSet", "ValidationError", "The change set type IMPORT is not supported here", "StackName", "S", "ChangeSetName", "x", "ChangeSetType", "IMPORT", "TemplateBody", chain)
	for _, name := range []string{"DetectStackDrift", "ContinueUpdateRollback", "CancelUpdateStack", ""} {
		f.refuse(name, "InvalidAction", "Could not find operation "+name+" for version 2010-05-15: on this machine CloudFormation knows, of version 2010-05-15, CreateChangeSet, CreateStack, ")
	}
	f.refuse("CreateStack", "InvalidAction", "Could not find operation CreateStack for version 2009-01-01: on this machine", "Version", "2009-01-01")

	// What is not there is deleted already.
	f.post("DeleteStack", "StackName", "Nope")
	// None of this left a stack behind.
	if list := f.post("ListStacks"); strings.Count(list, "<member>") != 1 {
		t.Errorf("stacks: %s", list)
	}
	resp, err := http.Post(f.url, "application/x-www-form-urlencoded", strings.NewReader("TemplateBody="+strings.Repeat("x", maxRequest)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a request that is too large: %d", resp.StatusCode)
	}
}

func TestTerminationProtection(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.post("CreateStack", "StackName", "S", "TemplateBody", chain, "EnableTerminationProtection", "true")
	f.settle("S")
	f.refuse("DeleteStack", "ValidationError", "Stack [S] cannot be deleted while TerminationProtection is enabled", "StackName", "S")
	f.post("UpdateTerminationProtection", "StackName", "S", "EnableTerminationProtection", "false")
	if got := f.remove("S"); got != deleteComplete {
		t.Errorf("status %s", got)
	}
}

// A call that is repeated with its token does nothing again.
func TestClientRequestToken(t *testing.T) {
	t.Parallel()
	f := start(t)
	first := f.post("CreateStack", "StackName", "S", "TemplateBody", chain, "ClientRequestToken", "t1")
	f.settle("S")
	again := f.post("CreateStack", "StackName", "S", "TemplateBody", chain, "ClientRequestToken", "t1")
	id := f.id("S")
	if !strings.Contains(first, id) || !strings.Contains(again, id) {
		t.Errorf("answers %s and %s, want %s", first, again, id)
	}
	if events := f.post("DescribeStackEvents", "StackName", "S"); !strings.Contains(events, "<ClientRequestToken>t1</ClientRequestToken>") {
		t.Errorf("events: %s", events)
	}
	f.refuse("CreateStack", "AlreadyExistsException", "Stack [S] already exists", "StackName", "S", "TemplateBody", chain, "ClientRequestToken", "t2")
}

func TestPropertiesAreValidated(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", "Resources:\n  W: {Type: AWS::CloudFormation::WaitCondition, Properties: {Count: 1}}")
	want := "W CREATE_FAILED Properties validation failed for resource W with message:\n[#: required key [Handle] not found, #: required key [Timeout] not found]"
	if trace := strings.Join(f.trace("S"), "\n"); !strings.Contains(trace, want) {
		t.Errorf("no %q in %s", want, trace)
	}
	// A change set finds it before anything is made.
	cs := f.changeSet("T", "x", types.ChangeSetTypeCreate, "Resources:\n  A: {Type: Test::Memory::Thing, Properties: {Nope: 1}}")
	want = "Properties validation failed for resource A with message:\n[#: extraneous key [Nope] is not permitted]"
	if cs.Status != types.ChangeSetStatusFailed || *cs.StatusReason != want {
		t.Errorf("change set %s: %s", cs.Status, *cs.StatusReason)
	}
}
