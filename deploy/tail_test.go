package deploy

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// What CloudFormation cancels because of another resource's failure may be told before that one: it is no cause.
func TestTheFirstFailureIsNoneThatWasCancelled(t *testing.T) {
	t.Parallel()
	tail := &tail{d: New(Config{}), began: nil}
	for _, e := range []struct{ id, status, reason string }{
		{"Third", "CREATE_FAILED", "Resource creation cancelled"},
		{"First", "CREATE_FAILED", "Resource handler returned message: \"no\""},
		{"Second", "UPDATE_FAILED", "Resource update cancelled"},
		{"Fourth", "DELETE_FAILED", "no"},
	} {
		tail.report(types.StackEvent{StackId: aws.String("stack"), LogicalResourceId: &e.id, ResourceStatus: types.ResourceStatus(e.status), ResourceStatusReason: &e.reason})
	}
	if tail.failed == nil || aws.ToString(tail.failed.LogicalResourceId) != "First" {
		t.Errorf("%+v", tail.failed)
	}
}
