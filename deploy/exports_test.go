package deploy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		if !strings.Contains(err.Error(), reason) || !strings.Contains(failed.Hint(""), hint) {
			t.Errorf("%v; hint %q; want %q, %q", err, failed.Hint(""), reason, hint)
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

// What a lower stack is only going to export does not keep the dry run of its importer from telling what would change,
// whether the two are there or not.
func TestDryRunOfImportsThatAreNotExportedYet(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	dryRun := func(stacks ...ephor.Stack) (plans []*deploy.Plan) {
		t.Helper()
		for _, s := range stacks {
			p, err := d.DryRun(t.Context(), s, plans)
			if err != nil {
				t.Fatal(err)
			}
			plans = append(plans, p)
		}
		return plans
	}
	converge := func(stacks ...ephor.Stack) {
		t.Helper()
		for _, s := range stacks {
			if _, err := d.Converge(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	noted := func(p *deploy.Plan, action, lower string, want ...deploy.Change) {
		t.Helper()
		if p.Action != action || !strings.Contains(p.Note, "imports what "+lower+" does not export yet") {
			t.Errorf("%+v", p)
		}
		if diff := cmp.Diff(want, p.Changes); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	const queue = "AWS::SQS::Queue"
	added := func(id string) deploy.Change { return deploy.Change{Action: "Add", LogicalID: id, Type: queue} }

	// Nothing is there.
	noted(dryRun(queueStack("Lower", "A"), importer("Upper", "A"))[1], "create", "Lower", added("DeadA"), added("Own"))
	converge(queueStack("Lower", "A"), importer("Upper", "A"))

	// Both are, and the lower one gets a further export that the upper one imports.
	upper := importer("Upper", "B")
	upper.Template.Resources["Own"] = cfn.Resource{Type: queue, Properties: map[string]any{"DelaySeconds": 5}}
	plans := dryRun(queueStack("Lower", "A", "B"), upper)
	if p := plans[0]; p.Action != "update" || p.Note != "" || len(p.Changes) != 1 || p.Changes[0].LogicalID != "QueueB" {
		t.Errorf("%+v", p)
	}
	removed := deploy.Change{Action: "Remove", LogicalID: "DeadA", Type: queue}
	noted(plans[1], "update", "Lower", removed, added("DeadB"), deploy.Change{Action: "Modify", LogicalID: "Own", Type: queue, Properties: []string{"DelaySeconds"}})
	converge(queueStack("Lower", "A", "B"), upper)

	// A further stack comes below, and a new one imports from the old.
	noted(dryRun(queueStack("Lower", "A", "B"), queueStack("Further", "C"), importer("Upper", "B", "C"))[2], "update", "Further", added("DeadC"),
		deploy.Change{Action: "Modify", LogicalID: "Own", Type: queue, Properties: []string{"DelaySeconds"}})
	if p := dryRun(queueStack("Lower", "A", "B"), importer("Second", "B"))[1]; p.Note != "" || p.Action != "create" || len(p.Changes) != 2 {
		t.Errorf("what is exported already is planned by CloudFormation: %+v", p)
	}
	// What nobody exports, and nobody is going to, is still the error that it will be.
	if _, err := d.DryRun(t.Context(), importer("Upper", "Z"), plans); err == nil || !strings.Contains(err.Error(), "No export named Z") {
		t.Errorf("%v", err)
	}
}
