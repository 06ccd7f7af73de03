package deploy_test

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/laptop"
)

func TestHint(t *testing.T) {
	t.Parallel()
	const place = " --region eu-west-1"
	for want, e := range map[string]deploy.StackError{
		"continue-update-rollback --stack-name S --region eu-west-1, and": {Stack: "S", Status: "UPDATE_ROLLBACK_FAILED"},
		"--stack-name S --retain-resources R --region eu-west-1":          {Stack: "S", Status: "DELETE_FAILED", Resource: "R"},
		"another name for it; or deleting what has this one, if nobody":   {Status: "ROLLBACK_COMPLETE", Reason: "Resource handler returned message: \"no\" (HandlerErrorCode: AlreadyExists)"},
		"another name for it: stack Other has this one":                   {Stack: "S", Reason: "orders already exists in stack arn:aws:cloudformation:eu-west-1:123456789012:stack/Other/0f"},
		"another name for it: a resource of the same stack":               {Stack: "S", Reason: "orders already exists in stack arn:aws:cloudformation:eu-west-1:123456789012:stack/S/0f"},
		"another name for B: A, of the same stack, has this one":          {Stack: "S", Resource: "B", Holder: "A", Reason: "orders already exists"},
		"credentials that may":                           {Reason: "User: x is not authorized to perform: iam:CreateRole on resource: y"},
		"when that is done":                              {Status: "UPDATE_IN_PROGRESS"},
		"why it did not in time; the stack is made anew": {Resource: "Wait", Status: "ROLLBACK_COMPLETE", Reason: "WaitCondition timed out. Received 0 conditions when expecting 1"},
		"time: aws ec2 get-console-output --output text --instance-id i-1 --region eu-west-1": {Resource: "Wait", Host: "i-1", Reason: "WaitCondition timed out. Received 0 conditions when expecting 1"},
		"deleting stack S, with what it holds":                                                {Stack: "S", Type: "AWS::SQS::Queue", Reason: "CloudFormation cannot update a stack when a custom-named resource requires replacing."},
		"cannot become an image":                                                              {Stack: "S", Type: "AWS::Lambda::Function", Reason: "CloudFormation cannot update a stack when a custom-named resource requires replacing."},
		"template S shows":                                                                    {Stack: "S", Reason: "Parameter 'WritersCIDR' must match pattern x"},
	} {
		if got := e.Hint(place); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", e, got, want)
		}
	}
	for absent, e := range map[string]deploy.StackError{
		"":            {Status: "ROLLBACK_COMPLETE", Reason: "something new"},
		"made anew":   {Resource: "Wait", Status: "UPDATE_ROLLBACK_COMPLETE", Reason: "WaitCondition timed out. Received 0 conditions when expecting 1"},
		"console":     {Resource: "Wait", Status: "ROLLBACK_COMPLETE", Reason: "WaitCondition timed out. Received 0 conditions when expecting 1"},
		"parameter":   {Reason: "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: no"},
		"archive":     {Type: "AWS::SQS::Queue", Reason: "a custom-named resource requires replacing"},
		"application": {Reason: "already exists"},
	} {
		if got := e.Hint(place); absent == "" && got != "" || absent != "" && strings.Contains(got, absent) {
			t.Errorf("%+v: %q, which must not say %q", e, got, absent)
		}
	}
}

// failing converges a stack that has to fail.
func failing(t *testing.T, d *deploy.Deployer, s ephor.Stack) *deploy.StackError {
	t.Helper()
	_, err := d.Converge(t.Context(), s)
	var failed *deploy.StackError
	if !errors.As(err, &failed) {
		t.Fatalf("%v", err)
	}
	return failed
}

func named(kind, property, name string, after ...string) cfn.Resource {
	return cfn.Resource{Type: kind, DependsOn: after, Properties: map[string]any{property: name}}
}

func stackOf(name string, resources map[string]cfn.Resource) ephor.Stack {
	return ephor.Stack{Name: name, Template: cfn.Template{Resources: resources}}
}

// Nobody is told to delete what belongs to the stack itself: the name that is taken is looked for among its own resources,
// those that were made and rolled back, too.
func TestANameThatTheStackHasItself(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	for kind, property := range map[string]string{
		"AWS::SQS::Queue": "QueueName", "AWS::SNS::Topic": "TopicName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::S3::Bucket": "BucketName",
	} {
		name := "twice-" + strings.ToLower(property)
		stack := strings.ReplaceAll(kind, "::", "")
		e := failing(t, d, stackOf(stack, map[string]cfn.Resource{"A": named(kind, property, name), "B": named(kind, property, name, "A")}))
		if e.Resource != "B" || e.Holder != "A" {
			t.Errorf("%s, created: %v (%+v)", kind, e, e)
		}
		if _, err := d.Converge(t.Context(), stackOf(stack, map[string]cfn.Resource{"B": named(kind, property, name)})); err != nil {
			t.Fatal(err)
		}
		e = failing(t, d, stackOf(stack, map[string]cfn.Resource{"A": named(kind, property, name)}))
		if e.Resource != "A" || e.Holder != "B" || e.Status != "UPDATE_ROLLBACK_COMPLETE" {
			t.Errorf("%s, updated: %v (%+v)", kind, e, e)
		}
		// Another stack's is not this one's.
		e = failing(t, d, stackOf(stack+"Other", map[string]cfn.Resource{"A": named(kind, property, name), "Beside": named(kind, property, name+"-beside")}))
		if e.Resource != "A" || e.Holder != "" {
			t.Errorf("%s, of another stack: %v (%+v)", kind, e, e)
		}
	}
}

// Of a stack that has a host, it is known which one could have signalled; no other stack is said to have one.
func TestASignalThatDoesNotCome(t *testing.T) {
	t.Parallel()
	d, _, _ := deployerOn(t, laptop.Config{Dir: t.TempDir(), HostReady: func(string, string, string) (string, []byte, error) {
		return "", nil, errors.New("it does not come up")
	}})
	if e := failing(t, d, waiting("1")); e.Host != "" || e.Resource != "Wait" {
		t.Errorf("%v (%+v)", e, e)
	}
	s := waiting("1")
	s.Name = "Host"
	s.Template.Resources["Machine"] = cfn.Resource{Type: "AWS::EC2::Instance", Properties: map[string]any{"ImageId": "ami-0123456789abcdef0", "InstanceType": "t4g.small",
		"UserData": base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nEPHOR_SIGNAL='http://127.0.0.1:1/'\n"))}}
	wait := s.Template.Resources["Wait"]
	wait.DependsOn = []string{"Machine"}
	s.Template.Resources["Wait"] = wait
	if e := failing(t, d, s); !strings.HasPrefix(e.Host, "i-") {
		t.Errorf("%v (%+v)", e, e)
	}
}

// What CloudFormation refuses at once is told in its own words.
func TestARefusedChangeSet(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	e := failing(t, d, stackOf("Strange", map[string]cfn.Resource{"Table": {Type: "AWS::DynamoDB::Table"}}))
	if !strings.HasPrefix(e.Error(), "stack Strange: Template format error: Unrecognized resource types: [AWS::DynamoDB::Table]") || !strings.Contains(e.Hint(""), "docs/cloudformation.md") {
		t.Errorf("%v; hint %q", e, e.Hint(""))
	}
	s := stackOf("Address", map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue"}})
	s.Template.Parameters = map[string]cfn.Parameter{"CIDR": {Type: "String", AllowedPattern: "[0-9./]+"}}
	s.Parameters = map[string]string{"CIDR": "abc"}
	e = failing(t, d, s)
	if !strings.HasPrefix(e.Error(), "stack Address: Parameter 'CIDR' must match pattern") || !strings.Contains(e.Hint(""), "another value of that parameter") {
		t.Errorf("%v; hint %q", e, e.Hint(""))
	}
}

// A hook's template may name its roles and use what has to be expanded, without anybody having to say so.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	_, config, _ := deployer(t)
	var given []string
	config.HTTPClient = told(func(form url.Values) {
		if form.Get("Action") == "CreateChangeSet" {
			for _, key := range []string{"Capabilities.member.1", "Capabilities.member.2", "Capabilities.member.3"} {
				given = append(given, form.Get(key))
			}
		}
	})
	d := deploy.New(deploy.Config{AWS: config})
	_, err := d.Converge(t.Context(), stackOf("Roles", map[string]cfn.Resource{"Role": {Type: "AWS::IAM::Role", Properties: map[string]any{
		"RoleName": "eyes-lower", "AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}},
	}}}))
	if err != nil || strings.Join(given, " ") != "CAPABILITY_IAM CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND" {
		t.Errorf("%v; given were %q", err, given)
	}
}
