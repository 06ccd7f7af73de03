package cloudformation

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const signalled = `
Parameters: {Count: {Type: Number, Default: 2}}
Resources:
  Host: {Type: AWS::CloudFormation::WaitCondition, CreationPolicy: {ResourceSignal: {Count: !Ref Count, Timeout: PT1H}}}
  After: {Type: Test::Memory::Thing, DependsOn: Host}`

func TestCreationPolicy(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.begin("S", signalled)
	f.eventually("Host CREATE_IN_PROGRESS")
	for !f.service.waits.hasAny() {
		time.Sleep(time.Millisecond)
	}
	say := func(unique string) {
		t.Helper()
		f.post("SignalResource", "StackName", "S", "LogicalResourceId", "Host", "UniqueId", unique, "Status", "SUCCESS")
	}
	say("a")
	say("a") // a retransmission
	if got := f.status("S"); got != createInProgress {
		t.Fatalf("after one signal of two: %s", got)
	}
	f.refuse("SignalResource", "ValidationError", "Resource Nope does not exist for stack S", "StackName", "S", "LogicalResourceId", "Nope", "UniqueId", "x", "Status", "SUCCESS")
	f.refuse("SignalResource", "ValidationError", "SUCCESS or FAILURE", "StackName", "S", "LogicalResourceId", "Host", "UniqueId", "x", "Status", "MAYBE")
	say("b")
	if got := f.settle("S"); got != createComplete {
		t.Fatalf("status %s: %q", got, f.trace("S"))
	}
	trace := slices.DeleteFunc(f.trace("S"), func(line string) bool { return !strings.HasPrefix(line, "Host ") })
	slices.Sort(trace[1:4]) // a signal may be there before the creation is told
	want := []string{"Host CREATE_IN_PROGRESS", "Host CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId a",
		"Host CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId b", "Host CREATE_IN_PROGRESS Resource creation Initiated", "Host CREATE_COMPLETE"}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.refuse("SignalResource", "ValidationError", "is in CREATE_COMPLETE state and cannot be signaled", "StackName", "S", "LogicalResourceId", "Host", "UniqueId", "c", "Status", "SUCCESS")
}

// hasAny says whether anything waits.
func (w *waits) hasAny() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.handles) > 0
}

func TestCreationPolicyFails(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.begin("S", signalled)
	for !f.service.waits.hasAny() {
		time.Sleep(time.Millisecond)
	}
	f.post("SignalResource", "StackName", "S", "LogicalResourceId", "Host", "UniqueId", "i-1", "Status", "FAILURE")
	if got := f.settle("S"); got != rollbackComplete {
		t.Fatalf("status %s: %q", got, f.trace("S"))
	}
	if want := "Host CREATE_FAILED Received FAILURE signal with UniqueId i-1"; !slices.Contains(f.trace("S"), want) {
		t.Errorf("no %q in %q", want, f.trace("S"))
	}
	f.remove("S")

	if got := f.create("S", strings.Replace(signalled, "PT1H", "PT0S", 1)); got != rollbackComplete {
		t.Fatalf("status %s: %q", got, f.trace("S"))
	}
	if want := "Host CREATE_FAILED Failed to receive 2 resource signal(s) within the specified duration"; !slices.Contains(f.trace("S"), want) {
		t.Errorf("no %q in %q", want, f.trace("S"))
	}
	for policy, want := range map[string]string{
		"{ResourceSignal: {Timeout: 5m}}":              "Timeout must be a duration of 12 hours at most, such as PT15M (Resources.Host.CreationPolicy.ResourceSignal.Timeout, line 4, column 86)",
		"{ResourceSignal: {Timeout: PT13H}}":           "Timeout must be a duration of 12 hours at most, such as PT15M (Resources.Host.CreationPolicy.ResourceSignal.Timeout, line 4, column 86)",
		"{ResourceSignal: {Count: 0}}":                 "Count must be a number of 1 or more (Resources.Host.CreationPolicy.ResourceSignal.Count, line 4, column 86)",
		"{ResourceSignal: {Counts: 1}}":                "Invalid CreationPolicy property Counts (Resources.Host.CreationPolicy.ResourceSignal.Counts, line 4, column 86)",
		"{}":                                           "ResourceSignal must be an object (Resources.Host.CreationPolicy, line 4, column 52)",
		"{ResourceSignal: {}}, Properties: {Count: 1}": "a wait condition has a CreationPolicy or properties, and not both",
	} {
		f.forget()
		f.remove("S")
		f.create("S", strings.Replace(signalled, "{ResourceSignal: {Count: !Ref Count, Timeout: PT1H}}", policy, 1))
		if !slices.Contains(f.trace("S"), "Host CREATE_FAILED "+want) {
			t.Errorf("%s: no %q in %q", policy, want, f.trace("S"))
		}
	}
	f.refuse("CreateStack", "ValidationError", "AutoScalingCreationPolicy is not supported here in a CreationPolicy: ResourceSignal is (Resources.Host.CreationPolicy.AutoScalingCreationPolicy, line 4, column 69)",
		"StackName", "T", "TemplateBody", strings.Replace(signalled, "ResourceSignal", "AutoScalingCreationPolicy: {}, ResourceSignal", 1))
	f.remove("S")
	f.create("S", "Resources: {Host: {Type: AWS::CloudFormation::WaitCondition}}")
	if want := "[#: required key [Handle] not found, #: required key [Timeout] not found]"; !strings.Contains(strings.Join(f.trace("S"), "\n"), want) {
		t.Errorf("no %q in %q", want, f.trace("S"))
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"PT15M": 15 * time.Minute, "PT1H2M3S": time.Hour + 2*time.Minute + 3*time.Second, "PT0S": 0,
		"PT": -1, "15M": -1, "PT1D": -1, "": -1, "PT1S1M": -1, "PT9999999999S": -1} {
		got, ok := duration(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

func TestSignalsTimeOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWaits(Config{})
		w.open("h")
		w.put("h", signal{UniqueID: "a"}, nil)
		began := time.Now()
		got, late, err := w.collect(t.Context(), "h", 2, time.Hour)
		if len(got) != 1 || !late || err != nil || time.Since(began) != time.Hour {
			t.Errorf("%v, %v, %v after %v", got, late, err, time.Since(began))
		}
	})
}
