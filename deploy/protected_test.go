package deploy_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// Termination protection is seen before anything is deleted, and by whatever else would have to delete.
func TestTerminationProtection(t *testing.T) {
	t.Parallel()
	d, config, _ := deployer(t)
	protect := func(name string, on bool) {
		t.Helper()
		_, err := cloudformation.NewFromConfig(config).UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{
			StackName: &name, EnableTerminationProtection: aws.Bool(on)})
		if err != nil {
			t.Fatal(err)
		}
	}
	refuses := func(stack string, err error) {
		t.Helper()
		var kept *deploy.ProtectedError
		if !errors.As(err, &kept) || kept.Stack != stack {
			t.Errorf("%v", err)
		}
	}
	converge := func(s ephor.Stack) error {
		_, err := d.Converge(t.Context(), s)
		return err
	}
	if err := errors.Join(converge(queueStack("Lower", "Q")), converge(importer("Upper", "Q"))); err != nil {
		t.Fatal(err)
	}
	protect("Lower", true)
	refuses("Lower", d.Delete(t.Context(), "Upper", "Lower"))
	l := &life{config: config}
	if diff := cmp.Diff([]string{"Lower CREATE_COMPLETE", "Upper CREATE_COMPLETE"}, l.stacks(t, "")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	broken := ephor.Stack{Name: "Broken", Template: cfn.Template{Resources: map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue", Properties: map[string]any{"DelaySeconds": -1}}}}}
	var failed *deploy.StackError
	if err := converge(broken); !errors.As(err, &failed) || failed.Status != "ROLLBACK_COMPLETE" {
		t.Fatalf("%v", err)
	}
	protect("Broken", true)
	refuses("Broken", converge(queueStack("Broken", "B")))
	_, err := d.DryRun(t.Context(), queueStack("Broken", "B"), nil)
	refuses("Broken", err)

	protect("Broken", false)
	protect("Lower", false)
	if err := errors.Join(converge(queueStack("Broken", "B")), d.Delete(t.Context(), "Upper", "Lower", "Broken")); err != nil {
		t.Error(err)
	}
}
