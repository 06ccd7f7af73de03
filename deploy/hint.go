package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// releaseExport is how an export goes or changes whose import goes or changes with it: the stack that exports is
// converged first, and at that time the other still imports.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
const releaseExport = "leaving that export as it is; or two steps: once with the export as it was and nothing that imports it " +
	"(a further export of another name can take its place), and then without it"

// Hint is what to do about a stack that failed, "" where its reason says all that is known. place are the flags
// that lead AWS's CLI to where the stack is, each behind a space. CloudFormation's reasons are text; what they hold
// are the error codes of its resource handlers, as far as a handler gives one, and of the services.
//
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
func (e *StackError) Hint(place string) string {
	switch e.Status {
	case "UPDATE_ROLLBACK_FAILED":
		return "aws cloudformation continue-update-rollback --stack-name " + e.Stack + place + ", and then the same again"
	case "DELETE_FAILED":
		hint := "mending what the reason says, and the same again"
		if e.Resource != "" {
			hint += "; or aws cloudformation delete-stack --stack-name " + e.Stack + " --retain-resources " + e.Resource + place
		}
		return hint
	}
	if e.taken() {
		return e.nameHint()
	}
	if strings.HasPrefix(e.Reason, "Parameter ") && (strings.Contains(e.Reason, "failed to satisfy constraint") || strings.Contains(e.Reason, " must ")) {
		return "another value of that parameter: template " + e.Stack + " shows which it takes"
	}
	for _, h := range []struct{ of, hint string }{
		{"AccessDenied", "credentials that may do this, or a permission for them: the reason names the call"},
		{"not authorized to perform", "credentials that may do this, or a permission for them: the reason names the call"},
		{"HandlerErrorCode: ServiceLimitExceeded", "a higher quota: https://console.aws.amazon.com/servicequotas"},
		{"custom-named resource requires replacing", e.replaceHint()},
		{"UnreservedConcurrentExecution below its minimum", "less reserved concurrency (Function.Concurrency), or a higher quota of the account's"},
		{"HandlerErrorCode: Throttling", "the same again: the account makes too many calls at the moment"},
		{"Rate exceeded", "the same again: the account makes too many calls at the moment"},
		{"HandlerErrorCode: ServiceInternalError", "the same again: it is AWS's own error"},
		{timedOut, e.signalHint(place)},
		{"No export named", "provisioning the stack that exports it first"},
		{"as it is in use by", releaseExport},
		{"Cannot update export", releaseExport},
		{"already exported by", "another name for that export: an account has each name once in a region; or deleting the stack that has it"},
		{"Unrecognized resource types", "a look at the type's name and at whether it is there: not every region has every type, and the laptop has those of docs/cloudformation.md"},
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

// timedOut is CloudFormation's reason where nobody has signalled in time.
const timedOut = "WaitCondition timed out"

// taken says whether the reason is that something has a name already.
func (e *StackError) taken() bool {
	return slices.ContainsFunc([]string{"AlreadyExists", "already exists", "BucketAlreadyOwnedByYou"}, func(words string) bool { return strings.Contains(e.Reason, words) })
}

// nameHint is what to do about a name that is taken. Whose it is has to be known before anybody is told to delete it.
func (e *StackError) nameHint() string {
	owner, said := stackNamed(e.Reason)
	switch {
	case e.Holder != "":
		return fmt.Sprintf("another name for %s: %s, of the same stack, has this one; where %[2]s gives it up, provision that change first and %[1]s after it", e.Resource, e.Holder)
	case said && owner == e.Stack:
		return "another name for it: a resource of the same stack has this one"
	case said:
		return "another name for it: stack " + owner + " has this one"
	}
	return "another name for it; or deleting what has this one, if nobody needs that"
}

// stackNamed is the name of the stack that has what, by the reason, already exists, where it says so.
func stackNamed(reason string) (name string, said bool) {
	_, arn, _ := strings.Cut(reason, "already exists in stack ")
	parts := strings.Split(arn, "/") // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID
	if len(parts) < 3 || !strings.HasSuffix(parts[0], ":stack") {
		return "", false
	}
	return parts[1], true
}

// replaceHint is what to do about a resource that would have to be replaced by one of the same name.
//
// https://repost.aws/knowledge-center/cloudformation-custom-name
func (e *StackError) replaceHint() string {
	hint := "another name for it, or deleting stack " + e.Stack + ", with what it holds, and the same again: what has this name cannot become what the template says"
	if e.Type == "AWS::Lambda::Function" {
		hint += "; a function that is a zip archive cannot become an image, nor the reverse"
	}
	return hint
}

// signalHint is what to do about a condition that nobody has signalled.
func (e *StackError) signalHint(place string) string {
	hint := "looking at what has to signal " + e.Resource + ", and why it did not in time"
	if e.Host != "" {
		hint += ": aws ec2 get-console-output --output text --instance-id " + e.Host + place
	}
	if onlyDeletable(types.StackStatus(e.Status)) {
		hint += "; the stack is made anew when it is provisioned again"
	}
	return hint
}
