package laptop

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// marking is a stack of a host and a parameter, whose value is the stack's.
const marking = `{
  "Parameters": {"Value": {"Type": "String"}},
  "Resources": {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Host": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": {"Fn::Base64": {"Fn::Sub": "#!/bin/sh\nEPHOR_SIGNAL='${Handle}'\n"}}}},
    "Ready": {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "Host", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"}},
    "Mark": {"Type": "AWS::SSM::Parameter", "DependsOn": "Ready", "Properties": {"Name": "/mark/a", "Type": "String", "Value": {"Ref": "Value"}}},
    "Other": {"Type": "AWS::SSM::Parameter", "DependsOn": "Ready", "Properties": {"Name": "/other", "Type": "String", "Value": {"Ref": "Value"}}}
  }
}`

// TestAChangedParameterMarksADeploy: what the configuration makes of it is in the store; the same value, and a restart,
// mark nothing; and where the store takes no mark, that is told and the stack is none the worse.
func TestAChangedParameterMarksADeploy(t *testing.T) {
	t.Parallel()
	var marks, problems atomic.Int32
	var policy atomic.Value
	policy.Store("autogen")
	c := Config{Dir: t.TempDir(), HostReady: ready, Mark: func(name, value string, changed time.Time) (string, string, bool) {
		if name != "/mark/a" {
			return "", "", false
		}
		return fmt.Sprintf("marks text=%q,n=%di %d\n", value, marks.Add(1), changed.UnixNano()), policy.Load().(string), true
	}, Events: func(e Event) {
		if p, ok := e.(Problem); ok && strings.Contains(p.Err.Error(), "marking a deploy on the dashboards: the store answers ") {
			problems.Add(1)
		}
	}}
	l, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	tc := &life{t: t, client: client(l), id: "marking"}
	value := func(v string) []types.Parameter {
		return []types.Parameter{{ParameterKey: aws.String("Value"), ParameterValue: &v}}
	}
	if _, err := tc.client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &tc.id, TemplateBody: aws.String(marking), Parameters: value("one")}); err != nil {
		t.Fatal(err)
	}
	tc.becomes(types.StackStatusCreateComplete)
	update := func(v string) {
		t.Helper()
		if _, err := tc.client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: &tc.id, UsePreviousTemplate: aws.Bool(true), Parameters: value(v)}); err != nil {
			t.Fatal(err)
		}
		tc.becomes(types.StackStatusUpdateComplete)
	}
	update("two")
	stored := func(l *Laptop) string {
		return get(t, l.Addresses().Store+"/query?"+url.Values{"db": {"ephor"}, "q": {`SELECT "text" FROM "marks"`}}.Encode())
	}
	if got := stored(l); strings.Count(got, `"one"`) != 1 || strings.Count(got, `"two"`) != 1 {
		t.Errorf("the marks are %s", got)
	}
	stop(t, l)

	l = start(t, c)
	tc.client = client(l)
	tc.becomes(types.StackStatusUpdateComplete)
	if n := marks.Load(); n != 2 {
		t.Errorf("after a restart there are %d marks", n)
	}
	policy.Store("nowhere")
	update("three")
	if n := problems.Load(); n != 1 {
		t.Errorf("a mark that is refused is told %d times", n)
	}
}
