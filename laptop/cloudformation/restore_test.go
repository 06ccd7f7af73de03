package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const hostStack = `
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Host: {Type: Test::Memory::Thing, Properties: {Value: !Sub "EPHOR_SIGNAL='${Handle}'"}}
  Wait: {Type: AWS::CloudFormation::WaitCondition, DependsOn: Host, Properties: {Handle: !Ref Handle, Timeout: 600}}
Outputs:
  Store: {Value: !Select [3, !Split ['"', !GetAtt Wait.Data]], Export: {Name: Store-URL}}
`

const appStack = `
Resources:
  F: {Type: Test::Memory::Thing, Properties: {Value: !ImportValue Store-URL}}
  G: {Type: Test::Memory::Thing, Properties: {Value: !GetAtt F.Value}}
  H: {Type: Test::Memory::Thing, Properties: {Value: own}}
Outputs: {G: {Value: !GetAtt G.Value}}
`

// monitored is a store's stack and an application's that imports its address.
func monitored(t *testing.T) *fixture {
	t.Helper()
	f := start(t)
	f.begin("Store", hostStack)
	f.until("create Host")
	f.eventually("Host CREATE_COMPLETE")
	f.signal(`{"Status":"SUCCESS","UniqueId":"ephor","Data":"http://127.0.0.1:8086"}`)
	if got := f.settle("Store"); got != createComplete {
		t.Fatalf("Store: %s: %s", got, f.trace("Store"))
	}
	if got := f.create("App", appStack); got != createComplete {
		t.Fatalf("App: %s", got)
	}
	f.memory.done()
	f.forget()
	return f
}

// The host boots again at another address: whoever imports it has the new one.
func TestRestoreResolvesImportsAgain(t *testing.T) {
	t.Parallel()
	f := monitored(t)
	f.memory.bootsAt("Host")
	f.again()
	done := make(chan error)
	go func() { done <- f.service.Restore(t.Context()) }()
	f.until("restore Host")
	for f.memory.restored("Host", f.url) {
		time.Sleep(time.Millisecond)
	}
	f.signal(`{"Status":"SUCCESS","UniqueId":"ephor","Data":"http://127.0.0.1:9999"}`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	values := f.memory.values()
	if values["F"] != "http://127.0.0.1:9999" || values["G"] != "http://127.0.0.1:9999" || values["H"] != "own" {
		t.Errorf("things %v", values)
	}
	if got := f.outputs("App")["G"]; got != "http://127.0.0.1:9999" {
		t.Errorf("output %q", got)
	}
	want := []string{
		"F UPDATE_COMPLETE Resolved anew when the laptop started: Value",
		"G UPDATE_COMPLETE Resolved anew when the laptop started: Value",
	}
	if diff := cmp.Diff(want, f.trace("App")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if log := f.memory.done(); !before(log, "restore Host", "restore F") || !before(log, "restore F", "restore G") {
		t.Errorf("order: %v", log)
	}
	// The export is still protected, and nothing counts as a change.
	if got := f.remove("Store"); got != createComplete {
		t.Errorf("after delete: %s", got)
	}
	f.refuse("UpdateStack", "ValidationError", "No updates are to be performed.", "StackName", "App", "TemplateBody", appStack)
}

// restored says whether a thing still has the value that it had before the restart.
func (m *memory) restored(logical, url string) bool {
	return !strings.Contains(m.values()[logical], url)
}

// Without a new boot, the wait condition keeps what was signalled, and nothing is written.
func TestRestoreKeepsDataWithoutBoot(t *testing.T) {
	t.Parallel()
	f := monitored(t)
	f.again()
	f.restore()
	if got := f.memory.values()["F"]; got != "http://127.0.0.1:8086" {
		t.Errorf("F is %q", got)
	}
	if trace := f.trace("App"); len(trace) > 0 {
		t.Errorf("events: %v", trace)
	}
}

// A host that boots and does not signal is an error, with the last known data kept.
func TestRestoreGivesUpOnASilentHost(t *testing.T) {
	t.Parallel()
	f := monitored(t)
	f.config.SignalWait = 20 * time.Millisecond
	f.memory.bootsAt("Host")
	f.again()
	err := f.service.Restore(t.Context())
	if want := "restoring stack Store: Wait: WaitCondition timed out. Received 0 conditions when expecting 1"; err == nil || err.Error() != want {
		t.Errorf("Restore: %v, want %s", err, want)
	}
	if got := f.memory.values()["F"]; got != "http://127.0.0.1:8086" {
		t.Errorf("F is %q", got)
	}
}

// What cannot be restored does not keep the rest from it, and every error says what it is about.
func TestRestoreGoesOn(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", chain)
	f.create("T", chain)
	f.memory.failAt("restore A", errOnPurpose)
	f.memory.failAt("restore B", errOnPurpose)
	f.memory.done()
	f.again()
	lines := strings.Split(fmt.Sprint(f.service.Restore(t.Context())), "\n")
	slices.Sort(lines)
	if diff := cmp.Diff([]string{
		"restoring stack S: A: on purpose", "restoring stack S: B: on purpose",
		"restoring stack T: A: on purpose", "restoring stack T: B: on purpose",
	}, lines); diff != "" {
		t.Errorf("Restore (-want +got):\n%s", diff)
	}
	log := f.memory.done()
	slices.Sort(log)
	if diff := cmp.Diff([]string{"restore A", "restore A", "restore B", "restore B", "restore C", "restore C"}, log); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if got := f.status("S"); got != createComplete {
		t.Errorf("status %s", got)
	}
}

func TestRestoreStops(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", chain)
	f.memory.blockAt("restore A")
	f.again()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.service.Restore(ctx) }()
	f.until("restore A")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Restore: %v", err)
	}
	f.memory.unblock("restore A")
	f.again()
	f.restore()
	if got := f.status("S"); got != createComplete {
		t.Errorf("status %s", got)
	}
}

// A thing that somebody removed behind CloudFormation's back is made again.
func TestRestoreMakesMissingThings(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", chain)
	was := f.memory.values()
	f.memory.hold(map[string]thing{})
	f.again()
	f.restore()
	if diff := cmp.Diff(was, f.memory.values()); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
}
