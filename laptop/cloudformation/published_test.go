package cloudformation

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

func TestPublished(t *testing.T) {
	t.Parallel()
	all, err := PublishedTypes()
	if err != nil {
		t.Fatal(err)
	}
	f := func(kind, properties string, want ...string) {
		t.Helper()
		var v map[string]any
		if err := json.Unmarshal([]byte(properties), &v); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, all[kind].wrong(v)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", kind, properties, diff)
		}
	}
	f("AWS::SQS::Queue", `{}`)
	f("AWS::SQS::Queue", `{"QueueName": "q", "RedrivePolicy": {"whatever": 1}, "Tags": [{"Key": "k", "Value": "v"}]}`)
	f("AWS::SQS::Queue", `{"QueueNames": "q"}`, "#: extraneous key [QueueNames] is not permitted")
	f("AWS::Lambda::Function", `{"Environment": {"Variables": {"ANY": "x"}, "Others": {}}}`,
		"#: required key [Code] not found", "#: required key [Role] not found", "#/Environment: extraneous key [Others] is not permitted")
	f("AWS::Scheduler::Schedule", `{"FlexibleTimeWindow": {}, "ScheduleExpression": "rate(1 day)", "Target": {"Arn": "a", "RetryPolicy": {"Tries": 1}}}`,
		"#/FlexibleTimeWindow: required key [Mode] not found", "#/Target: required key [RoleArn] not found", "#/Target/RetryPolicy: extraneous key [Tries] is not permitted")
	f("AWS::S3::Bucket", `{"LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}, {"Id": "x"}]}}`,
		"#/LifecycleConfiguration/Rules/1: required key [Status] not found")
	f("AWS::ApiGatewayV2::Route", `{"ApiId": "a", "RouteKey": "GET /", "RequestParameters": {"x": {"Required": true, "Nope": 1}}}`)
}

// What stands in the way is told by the stack's event in AWS's words; what AWS has and the laptop has not
// is told apart.
func TestValidationOfPublishedTypes(t *testing.T) {
	t.Parallel()
	f := start(t, oneByOne, func(c *Config) {
		c.Providers["AWS::SQS::Queue"] = like{c.Providers[thingType].(*memory), Schema{Properties: []string{"QueueName"}, Required: []string{"QueueName"}}}
	})
	const head = "Properties validation failed for resource A with message:\n["
	for properties, want := range map[string]string{
		"{QueueName: q, Nope: 1}":               "#: extraneous key [Nope] is not permitted]",
		"{QueueName: q, KmsMasterKeyId: k}":     "#: key [KmsMasterKeyId] of AWS::SQS::Queue is not supported on this machine]",
		"{QueueName: !Ref AWS::NoValue}":        "#: required key [QueueName] not found]",
		"{QueueName: q, VisibilityTimeout: 30}": "#: key [VisibilityTimeout] of AWS::SQS::Queue is not supported on this machine]",
	} {
		f.forget()
		if got := f.create("S", "Resources: {A: {Type: AWS::SQS::Queue, Properties: "+properties+"}}"); got != rollbackComplete {
			t.Errorf("%s: status %s", properties, got)
		}
		if trace := f.trace("S"); len(trace) < 3 || trace[2] != "A CREATE_FAILED "+head+want {
			t.Errorf("%s: %q", properties, trace)
		}
		f.remove("S")
	}
	f.refuse("CreateStack", "ValidationError", "attribute QueueUrl of AWS::SQS::Queue is not supported on this machine (Outputs.O.Value, line 2, column 15)",
		"StackName", "S", "TemplateBody", "Resources: {A: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Value: !GetAtt A.QueueUrl}}")
	f.refuse("CreateStack", "ValidationError", "Template error: resource A does not support attribute type Nope in Fn::GetAtt (Outputs.O.Value, line 2, column 15)",
		"StackName", "S", "TemplateBody", "Resources: {A: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Value: !GetAtt A.Nope}}")
}

// A change set says what replaces and what may replace as AWS's schema does, whatever the provider does.
func TestReplacementAsPublished(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) {
		c.Providers["AWS::EC2::Instance"] = like{c.Providers[thingType].(*memory), Schema{
			Properties: []string{"ImageId", "InstanceType", "IamInstanceProfile", "UserData"}, CreateOnly: []string{"ImageId", "UserData"},
		}}
	})
	f.create("S", "Resources: {A: {Type: AWS::EC2::Instance, Properties: {ImageId: a, InstanceType: b, UserData: d}}}")
	cs := func(name, properties string) []string {
		t.Helper()
		return lines(f.changeSet("S", name, types.ChangeSetTypeUpdate, "Resources: {A: {Type: AWS::EC2::Instance, Properties: {"+properties+"}}}").Changes)
	}
	want := []string{"Modify A Conditional ReplaceAndDelete Properties", "  Properties InstanceType Conditionally: Static DirectModification", `    "b" -> "c"`}
	if diff := cmp.Diff(want, cs("may", "ImageId: a, InstanceType: c, UserData: d")); diff != "" {
		t.Errorf("may replace (-want +got):\n%s", diff)
	}
	want = []string{"Modify A False Properties", "  Properties IamInstanceProfile Never: Static DirectModification", `    "" -> "p"`}
	if diff := cmp.Diff(want, cs("never", "ImageId: a, InstanceType: b, IamInstanceProfile: p, UserData: d")); diff != "" {
		t.Errorf("in place (-want +got):\n%s", diff)
	}
	want = []string{"Modify A True ReplaceAndDelete Properties", "  Properties ImageId Always: Static DirectModification", `    "a" -> "x"`,
		"  Properties InstanceType Conditionally: Static DirectModification", `    "b" -> "c"`}
	if diff := cmp.Diff(want, cs("always", "ImageId: x, InstanceType: c, UserData: d")); diff != "" {
		t.Errorf("replaces (-want +got):\n%s", diff)
	}
}
