package laptop

import (
	"errors"
	"testing"

	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/google/go-cmp/cmp"
)

// TestWhatIsToldOfFunctions: what they say themselves, even in Lambda's words, and what went wrong.
func TestWhatIsToldOfFunctions(t *testing.T) {
	t.Parallel()
	var got []string
	l := &Laptop{config: Config{Events: func(e Event) {
		switch e := e.(type) {
		case FunctionLog:
			got = append(got, e.Function+": "+e.Line)
		case Problem:
			got = append(got, e.Err.Error())
		}
	}}}
	for _, e := range []lambda.Event{
		lambda.LogLine{Function: "f", Line: "START RequestId: 1 Version: $LATEST", Routine: true},
		lambda.LogLine{Function: "f", Line: "START RequestId: of the function's"},
		lambda.LogLine{Function: "f", Line: "1 Task timed out after 1.00 seconds"},
		lambda.LogLine{Function: "f", Line: "REPORT RequestId: 1", Routine: true},
		lambda.InvocationDone{Function: "f"},
		lambda.CodeMissing{Function: "f", Folder: "/code", Err: errors.New("no code of f in /code")},
	} {
		l.lambdaEvent(e)
	}
	want := []string{"f: START RequestId: of the function's", "f: 1 Task timed out after 1.00 seconds", "no code of f in /code"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
