package cloudformation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go/document"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ephor-io/ephor/internal/awstest"
)

// Everything that CloudFormation's SDK reads is where it looks for it.
func TestSDK(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 123e6, time.UTC)
	f := start(t, func(c *Config) { c.Now = func() time.Time { return noon } })
	ctx, name := t.Context(), aws.String("S")
	body := aws.String(`
Description: of a test
Parameters: {Stage: {Type: String, Description: where, Default: test, AllowedValues: [test, prod]}}
Resources: {A: {Type: Test::Memory::Thing, Metadata: {k: v}, Properties: {Value: !Ref Stage}}, R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}
Outputs: {O: {Value: !GetAtt A.Value, Description: what, Export: {Name: E}}}`)
	out, err := f.client.CreateStack(ctx, &sdk.CreateStackInput{
		StackName: name, TemplateBody: body, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}}, TimeoutInMinutes: aws.Int32(5),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := sdk.NewStackCreateCompleteWaiter(f.client, func(o *sdk.StackCreateCompleteWaiterOptions) { o.MinDelay = time.Millisecond }).
		Wait(ctx, &sdk.DescribeStacksInput{StackName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	same := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(document.NoSerde{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	stacks, err := f.client.DescribeStacks(ctx, &sdk.DescribeStacksInput{StackName: out.StackId})
	if err != nil {
		t.Fatal(err)
	}
	same("stack", types.Stack{
		StackId: out.StackId, StackName: name, StackStatus: types.StackStatusCreateComplete, CreationTime: &noon,
		Description: aws.String("of a test"), Capabilities: []types.Capability{"CAPABILITY_IAM"}, NotificationARNs: []string{},
		Parameters: []types.Parameter{{ParameterKey: aws.String("Stage"), ParameterValue: aws.String("test")}},
		Outputs:    []types.Output{{OutputKey: aws.String("O"), OutputValue: aws.String("test"), Description: aws.String("what"), ExportName: aws.String("E")}},
		Tags:       []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}}, TimeoutInMinutes: aws.Int32(5),
		DisableRollback: aws.Bool(false), EnableTerminationProtection: aws.Bool(false),
		DriftInformation: &types.StackDriftInformation{StackDriftStatus: "NOT_CHECKED"}, RollbackConfiguration: &types.RollbackConfiguration{},
	}, stacks.Stacks[0])

	list, err := f.client.ListStacks(ctx, &sdk.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusCreateComplete}})
	if err != nil {
		t.Fatal(err)
	}
	same("summary", []types.StackSummary{{
		StackId: out.StackId, StackName: name, StackStatus: types.StackStatusCreateComplete, CreationTime: &noon, TemplateDescription: aws.String("of a test"),
		DriftInformation: &types.StackDriftInformationSummary{StackDriftStatus: "NOT_CHECKED"},
	}}, list.StackSummaries)

	physical := aws.String(f.memory.physical("A"))
	detail, err := f.client.DescribeStackResource(ctx, &sdk.DescribeStackResourceInput{StackName: name, LogicalResourceId: aws.String("A")})
	if err != nil {
		t.Fatal(err)
	}
	drift := types.StackResourceDriftStatusNotChecked
	same("detail", &types.StackResourceDetail{
		StackId: out.StackId, StackName: name, LogicalResourceId: aws.String("A"), PhysicalResourceId: physical, ResourceType: aws.String(thingType),
		ResourceStatus: types.ResourceStatusCreateComplete, LastUpdatedTimestamp: &noon, Metadata: aws.String(`{"k":"v"}`),
		DriftInformation: &types.StackResourceDriftInformation{StackResourceDriftStatus: drift},
	}, detail.StackResourceDetail)
	resources, err := f.client.DescribeStackResources(ctx, &sdk.DescribeStackResourcesInput{PhysicalResourceId: physical, LogicalResourceId: aws.String("A")})
	if err != nil {
		t.Fatal(err)
	}
	same("resources", []types.StackResource{{
		StackId: out.StackId, StackName: name, LogicalResourceId: aws.String("A"), PhysicalResourceId: physical, ResourceType: aws.String(thingType),
		ResourceStatus: types.ResourceStatusCreateComplete, Timestamp: &noon,
		DriftInformation: &types.StackResourceDriftInformation{StackResourceDriftStatus: drift},
	}}, resources.StackResources)
	summaries, err := f.client.ListStackResources(ctx, &sdk.ListStackResourcesInput{StackName: name})
	if err != nil {
		t.Fatal(err)
	}
	same("resource summary", types.StackResourceSummary{
		LogicalResourceId: aws.String("A"), PhysicalResourceId: physical, ResourceType: aws.String(thingType),
		ResourceStatus: types.ResourceStatusCreateComplete, LastUpdatedTimestamp: &noon,
		DriftInformation: &types.StackResourceDriftInformationSummary{StackResourceDriftStatus: drift},
	}, summaries.StackResourceSummaries[0])

	events, err := f.client.DescribeStackEvents(ctx, &sdk.DescribeStackEventsInput{StackName: name})
	if err != nil {
		t.Fatal(err)
	}
	if first := events.StackEvents[0]; first.ResourceStatus != types.ResourceStatusCreateComplete || aws.ToString(first.ResourceType) != StackType || len(events.StackEvents) != 8 {
		t.Errorf("events: %d, the newest %s of %s", len(events.StackEvents), first.ResourceStatus, aws.ToString(first.ResourceType))
	}
	template, err := f.client.GetTemplate(ctx, &sdk.GetTemplateInput{StackName: name})
	if err != nil {
		t.Fatal(err)
	}
	same("template", body, template.TemplateBody)
	valid, err := f.client.ValidateTemplate(ctx, &sdk.ValidateTemplateInput{TemplateBody: body})
	if err != nil {
		t.Fatal(err)
	}
	same("validation", []types.TemplateParameter{{ParameterKey: aws.String("Stage"), DefaultValue: aws.String("test"), Description: aws.String("where"), NoEcho: aws.Bool(false)}}, valid.Parameters)
	same("capabilities", "The following resource(s) require capabilities: [AWS::IAM::Role]", aws.ToString(valid.CapabilitiesReason))
	summary, err := f.client.GetTemplateSummary(ctx, &sdk.GetTemplateSummaryInput{StackName: name})
	if err != nil {
		t.Fatal(err)
	}
	same("types", []string{"AWS::IAM::Role", thingType}, summary.ResourceTypes)
	same("constraints", []string{"test", "prod"}, summary.Parameters[0].ParameterConstraints.AllowedValues)
	exports, err := f.client.ListExports(ctx, &sdk.ListExportsInput{})
	if err != nil {
		t.Fatal(err)
	}
	same("exports", []types.Export{{ExportingStackId: out.StackId, Name: aws.String("E"), Value: aws.String("test")}}, exports.Exports)
	if _, err := f.client.DeleteStack(ctx, &sdk.DeleteStackInput{StackName: name}); err != nil {
		t.Fatal(err)
	}
	if err := sdk.NewStackDeleteCompleteWaiter(f.client, func(o *sdk.StackDeleteCompleteWaiterOptions) { o.MinDelay = time.Millisecond }).
		Wait(ctx, &sdk.DescribeStacksInput{StackName: out.StackId}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// templateFile is a template as a user has it.
func templateFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The AWS CLI deploys, breaks, describes and deletes a stack.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	program := awstest.Program(t)
	f := start(t)
	run := func(args ...string) (string, error) {
		t.Helper()
		out, err := awstest.Command(t, program, f.url, append([]string{"cloudformation"}, args...)...).CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := run(args...)
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return out
	}
	file := templateFile(t, chain+"Outputs: {O: {Value: !GetAtt C.Arn, Export: {Name: E}}}")
	// Executed apart: deploy itself would look again only after 30 seconds.
	if out := must("deploy", "--stack-name", "S", "--template-file", file, "--tags", "team=x", "--no-execute-changeset"); !strings.Contains(out, "Changeset created successfully") {
		t.Errorf("deploy: %s", out)
	}
	f.service.mu.RLock()
	changeSet := f.service.find("S").changeSets[0].ID
	f.service.mu.RUnlock()
	must("execute-change-set", "--change-set-name", changeSet)
	f.settle("S")
	if out := must("deploy", "--stack-name", "S", "--template-file", file, "--tags", "team=x", "--no-fail-on-empty-changeset"); !strings.Contains(out, "No changes to deploy. Stack S is up to date") {
		t.Errorf("deploy again: %s", out)
	}
	var described struct {
		Stacks []struct {
			StackStatus string
			Outputs     []struct{ OutputValue, ExportName string }
		}
	}
	if err := json.Unmarshal([]byte(must("describe-stacks", "--stack-name", "S")), &described); err != nil {
		t.Fatal(err)
	}
	if s := described.Stacks[0]; s.StackStatus != createComplete || s.Outputs[0].ExportName != "E" {
		t.Errorf("stack: %+v", s)
	}
	if out, err := run("validate-template", "--template-body", "Resources: {A: {Type: AWS::Foo::Bar}}"); err == nil ||
		!strings.Contains(out, "(ValidationError) when calling the ValidateTemplate operation: Template format error: Unrecognized resource types: [AWS::Foo::Bar]") {
		t.Errorf("an unknown type: %v %s", err, out)
	}
	must("delete-stack", "--stack-name", "S")
	f.settle(f.id("S"))
	must("wait", "stack-delete-complete", "--stack-name", f.id("S"))
}

// boto3 reads what the query protocol answers, and its errors.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	f := start(t)
	cmd := exec.CommandContext(t.Context(), python, "-c", `
import boto3, sys
c = boto3.client('cloudformation', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='t', aws_secret_access_key='t')
template = open(sys.argv[2]).read()
c.create_change_set(StackName='S', ChangeSetName='x', ChangeSetType='CREATE', TemplateBody=template)
cs = c.describe_change_set(StackName='S', ChangeSetName='x')
assert [x['ResourceChange']['LogicalResourceId'] for x in cs['Changes']] == ['A', 'B', 'C'], cs
c.execute_change_set(StackName='S', ChangeSetName='x')
waiter = c.get_waiter('stack_create_complete')
waiter.config.delay = 0.05
waiter.wait(StackName='S')
assert len(c.describe_stack_resources(StackName='S')['StackResources']) == 3
try:
    c.describe_change_set(StackName='S', ChangeSetName='nope')
    assert False, 'no error'
except c.exceptions.ChangeSetNotFoundException as e:
    assert 'ChangeSet [nope] does not exist' in str(e), e
try:
    c.create_stack(StackName='S', TemplateBody=template)
    assert False, 'no error'
except c.exceptions.AlreadyExistsException as e:
    assert 'Stack [S] already exists' in str(e), e
print('ok')
`, f.url, templateFile(t, chain))
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%v: %s", err, out)
	}
}
