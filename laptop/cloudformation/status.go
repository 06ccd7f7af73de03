package cloudformation

import "strings"

// The statuses of stacks and of resources.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
const (
	reviewInProgress = "REVIEW_IN_PROGRESS"

	createInProgress = "CREATE_IN_PROGRESS"
	createComplete   = "CREATE_COMPLETE"
	createFailed     = "CREATE_FAILED"

	rollbackInProgress = "ROLLBACK_IN_PROGRESS"
	rollbackComplete   = "ROLLBACK_COMPLETE"
	rollbackFailed     = "ROLLBACK_FAILED"

	updateInProgress = "UPDATE_IN_PROGRESS"
	updateCleanup    = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	updateComplete   = "UPDATE_COMPLETE"
	updateFailed     = "UPDATE_FAILED"

	updateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS"
	updateRollbackCleanup    = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	updateRollbackComplete   = "UPDATE_ROLLBACK_COMPLETE"
	updateRollbackFailed     = "UPDATE_ROLLBACK_FAILED"

	deleteInProgress = "DELETE_IN_PROGRESS"
	deleteComplete   = "DELETE_COMPLETE"
	deleteFailed     = "DELETE_FAILED"
	deleteSkipped    = "DELETE_SKIPPED"
)

// updatable says whether a stack in status takes an update.
func updatable(status string) bool {
	switch status {
	case createComplete, updateComplete, updateRollbackComplete:
		return true
	}
	return false
}

// moving says whether an operation is under way in status.
func moving(status string) bool {
	return strings.HasSuffix(status, "_IN_PROGRESS") && status != reviewInProgress
}
