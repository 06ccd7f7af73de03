package deploy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// queueStack exports the ARNs of queues by the exports' names.
func queueStack(name string, exports ...string) ephor.Stack {
	s := ephor.Stack{Name: name, Template: cfn.Template{Resources: map[string]cfn.Resource{}, Outputs: map[string]cfn.Output{}}}
	for _, e := range exports {
		s.Template.Resources["Queue"+e] = cfn.Resource{Type: "AWS::SQS::Queue"}
		s.Template.Outputs["Arn"+e] = cfn.Output{Value: cfn.GetAtt("Queue"+e, "Arn"), Export: &cfn.Export{Name: e}}
	}
	return s
}

// importer has a queue of its own, and one for each import that goes into its parts.
func importer(name string, imports ...string) ephor.Stack {
	s := ephor.Stack{Name: name, Template: cfn.Template{
		Resources: map[string]cfn.Resource{"Own": {Type: "AWS::SQS::Queue"}},
		Outputs:   map[string]cfn.Output{},
	}}
	for _, i := range imports {
		s.Template.Resources["Dead"+i] = cfn.Resource{Type: "AWS::SQS::Queue", Properties: map[string]any{
			"RedrivePolicy": map[string]any{"deadLetterTargetArn": cfn.ImportValue(i), "maxReceiveCount": 3},
		}}
	}
	return s
}

// A stack can fail without one of its resources having failed: the reason is in the first of its rollback's events.
func TestAStackThatFailsOfItself(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	converge := func(s ephor.Stack) error {
		_, err := d.Converge(t.Context(), s)
		return err
	}
	if err := errors.Join(converge(queueStack("Lower", "Old")), converge(importer("Upper", "Old"))); err != nil {
		t.Fatal(err)
	}
	fails := func(s ephor.Stack, status, reason, hint string) {
		t.Helper()
		err := converge(s)
		var failed *deploy.StackError
		if !errors.As(err, &failed) || failed.Status != status || failed.Resource != "" {
			t.Fatalf("%v (%+v)", err, failed)
		}
		if !strings.Contains(err.Error(), reason) || !strings.Contains(failed.Hint(), hint) {
			t.Errorf("%v; hint %q; want %q, %q", err, failed.Hint(), reason, hint)
		}
	}
	fails(queueStack("Lower", "New"), "UPDATE_ROLLBACK_COMPLETE", "Cannot delete export Old as it is in use by Upper", "two steps")
	changed := queueStack("Lower", "Old")
	changed.Template.Resources["QueueOld"] = cfn.Resource{Type: "AWS::SQS::Queue", Properties: map[string]any{"QueueName": "other"}}
	fails(changed, "UPDATE_ROLLBACK_COMPLETE", "Cannot update export Old as it is in use by Upper", "two steps")
	fails(queueStack("Third", "Old"), "ROLLBACK_COMPLETE", "Old is already exported by stack Lower", "another name")

	// The two steps of the hint.
	for _, s := range []ephor.Stack{queueStack("Lower", "Old", "New"), importer("Upper", "New"), queueStack("Lower", "New"), importer("Upper", "New")} {
		if err := converge(s); err != nil {
			t.Fatal(err)
		}
	}
}
