package deploy

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// releaseExport is how an export goes or changes whose import goes or changes with it: the stack that exports is
// converged first, and at that time the other still imports.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
const releaseExport = "leaving that export as it is; or two steps: once with the export as it was and nothing that imports it " +
	"(a further export of another name can take its place), and then without it"

// Hint is what to do about a stack that failed, "" where its reason says all that is known. CloudFormation's
// reasons are text; what they hold are the error codes of its resource handlers, as far as a handler
// gives one, and of the services.
//
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
func (e *StackError) Hint() string {
	switch e.Status {
	case "UPDATE_ROLLBACK_FAILED":
		return "aws cloudformation continue-update-rollback --stack-name " + e.Stack + ", and then the same again"
	case "DELETE_FAILED":
		hint := "mending what the reason says, and the same again"
		if e.Resource != "" {
			hint += "; or aws cloudformation delete-stack --stack-name " + e.Stack + " --retain-resources " + e.Resource
		}
		return hint
	}
	for _, h := range []struct{ of, hint string }{
		{"AccessDenied", "credentials that may do this, or a permission for them: the reason names the call"},
		{"not authorized to perform", "credentials that may do this, or a permission for them: the reason names the call"},
		{"HandlerErrorCode: AlreadyExists", "deleting or renaming what has that name already: it belongs to no stack of this application's"},
		{"already exists", "deleting or renaming what has that name already: it belongs to no stack of this application's"},
		{"HandlerErrorCode: ServiceLimitExceeded", "a higher quota: https://console.aws.amazon.com/servicequotas"},
		// https://repost.aws/knowledge-center/cloudformation-custom-name
		{"custom-named resource requires replacing", "delete app and the same again, or another name for it: what has this name cannot become what the template says; a function that is a zip archive cannot become an image, nor the reverse"},
		{"UnreservedConcurrentExecution below its minimum", "less reserved concurrency (Function.Concurrency), or a higher quota of the account's"},
		{"HandlerErrorCode: Throttling", "the same again: the account makes too many calls at the moment"},
		{"Rate exceeded", "the same again: the account makes too many calls at the moment"},
		{"HandlerErrorCode: ServiceInternalError", "the same again: it is AWS's own error"},
		{"WaitCondition timed out", "looking at the host's log: aws ec2 get-console-output; the stack is made anew when it is provisioned again"},
		{"No export named", "provisioning the stack that exports it first"},
		{"as it is in use by", releaseExport},
		{"Cannot update export", releaseExport},
		{"already exported by", "another name for that export: an account has each name once in a region; or deleting the stack that has it"},
		{"Requires capabilities", "leaving names of roles and policies to CloudFormation: it is given the capability CAPABILITY_IAM"},
	} {
		if strings.Contains(e.Reason, h.of) {
			return h.hint
		}
	}
	if inProgress(types.StackStatus(e.Status)) {
		return "the same again when that is done"
	}
	return ""
}
