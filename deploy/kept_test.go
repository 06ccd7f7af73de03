package deploy

import "testing"

// TestKept: a stack that is made anew keeps nothing of the one before.
func TestKept(t *testing.T) {
	t.Parallel()
	for status, keeps := range map[string]bool{
		"CREATE_COMPLETE": true, "UPDATE_ROLLBACK_COMPLETE": true, "UPDATE_IN_PROGRESS": true,
		"ROLLBACK_COMPLETE": false, "CREATE_FAILED": false, "DELETE_FAILED": false, "REVIEW_IN_PROGRESS": false,
	} {
		if got := (State{Status: status, Parameters: map[string]string{"a": "b"}}).Kept(); (got["a"] == "b") != keeps {
			t.Errorf("%s keeps %v", status, got)
		}
	}
}
