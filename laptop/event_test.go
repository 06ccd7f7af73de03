package laptop

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/lambda"
)

// TestWhatIsToldOfFunctions: what they say themselves, even in Lambda's words, what went wrong, and what
// this machine lacks.
func TestWhatIsToldOfFunctions(t *testing.T) {
	t.Parallel()
	var got []string
	l := &Laptop{config: Config{Events: func(e Event) {
		switch e := e.(type) {
		case FunctionLog:
			got = append(got, e.Function+": "+e.Line)
		case Problem:
			got = append(got, e.Err.Error())
		case Notice:
			got = append(got, e.Text)
		}
	}}}
	for _, e := range []lambda.Event{
		lambda.LogLine{Function: "f", Line: "START RequestId: 1 Version: $LATEST", Routine: true},
		lambda.LogLine{Function: "f", Line: "START RequestId: of the function's"},
		lambda.LogLine{Function: "f", Line: "1 Task timed out after 1.00 seconds"},
		lambda.LogLine{Function: "f", Line: "REPORT RequestId: 1", Routine: true},
		lambda.InvocationDone{Function: "f"},
		lambda.CodeMissing{Function: "f", Folder: "/code", Err: errors.New("no code of f in /code")},
		lambda.SetAside{What: "an asynchronous invocation", File: "/queue/1.json", To: "/queue/1.json.broken", Err: errors.New("torn")},
		lambda.SetAside{What: "an asynchronous invocation", File: "/queue/2.json", Err: errors.New("no permission")},
		lambda.Isolation{Tmp: true, Opt: true, Processes: true, Memory: true, ProcessLimit: true},
		lambda.Isolation{Tmp: true, Opt: true, Processes: true, Memory: true},
	} {
		l.lambdaEvent(e)
	}
	want := []string{"f: START RequestId: of the function's", "f: 1 Task timed out after 1.00 seconds", "no code of f in /code",
		"an asynchronous invocation cannot be read and is set aside as /queue/1.json.broken; mended, it is back at the next start under the name 1.json: torn",
		"an asynchronous invocation cannot be read and is left out; see to /queue/2.json: no permission",
		"execution environments on this machine: nothing limits the number of processes (that needs a writable cgroup with the controller pids)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
