package cloudformation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

const chain = `
Resources:
  A: {Type: Test::Memory::Thing}
  B: {Type: Test::Memory::Thing, Properties: {Value: !Ref A}}
  C: {Type: Test::Memory::Thing, Properties: {Value: !Ref B}}
`

func TestFailedCreateRollsBack(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.memory.failAt("create C", errOnPurpose)
	if got := f.create("S", chain); got != rollbackComplete {
		t.Fatalf("status %s", got)
	}
	want := []string{
		"S CREATE_IN_PROGRESS User Initiated",
		"A CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS Resource creation Initiated", "A CREATE_COMPLETE",
		"B CREATE_IN_PROGRESS", "B CREATE_IN_PROGRESS Resource creation Initiated", "B CREATE_COMPLETE",
		"C CREATE_IN_PROGRESS", "C CREATE_FAILED on purpose",
		"S ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [C]. Rollback requested by user.",
		"C DELETE_COMPLETE",
		"B DELETE_IN_PROGRESS", "B DELETE_COMPLETE",
		"A DELETE_IN_PROGRESS", "A DELETE_COMPLETE",
		"S ROLLBACK_COMPLETE",
	}
	if diff := cmp.Diff(want, f.trace("S")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if left := f.memory.values(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	// Such a stack takes no update, only its deletion.
	f.refuse("UpdateStack", "ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated.", "StackName", "S", "TemplateBody", chain)
	if got := f.remove("S"); got != deleteComplete {
		t.Errorf("after delete: %s", got)
	}
}

func TestFailureCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.memory.blockAt("create Slow")
	f.memory.blockAt("create Bad")
	f.memory.failAt("create Bad", errOnPurpose)
	body, name := `
Resources:
  Slow: {Type: Test::Memory::Thing}
  Bad: {Type: Test::Memory::Thing}
  After: {Type: Test::Memory::Thing, DependsOn: Slow}
`, "S"
	if _, err := f.client.CreateStack(t.Context(), &sdk.CreateStackInput{StackName: &name, TemplateBody: &body}); err != nil {
		t.Fatal(err)
	}
	f.until("create Slow", "create Bad")
	f.memory.unblock("create Bad")
	if got := f.settle("S"); got != rollbackComplete {
		t.Fatalf("status %s", got)
	}
	trace := f.trace("S")
	if !slices.Contains(trace, "Slow CREATE_FAILED Resource creation cancelled") {
		t.Errorf("Slow was not cancelled: %s", strings.Join(trace, "\n"))
	}
	if slices.ContainsFunc(trace, func(line string) bool { return strings.HasPrefix(line, "After ") }) {
		t.Errorf("After was begun: %s", strings.Join(trace, "\n"))
	}
}

func TestOnFailure(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.memory.failAt("create C", errOnPurpose)
	run := func(name string, in sdk.CreateStackInput, want string) string {
		t.Helper()
		body := chain
		in.StackName, in.TemplateBody = &name, &body
		out, err := f.client.CreateStack(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.settle(*out.StackId); got != want {
			t.Errorf("%s: status %s, want %s", name, got, want)
		}
		return *out.StackId
	}
	run("Keep", sdk.CreateStackInput{OnFailure: types.OnFailureDoNothing}, createFailed)
	if got := f.memory.values(); len(got) != 2 {
		t.Errorf("after DO_NOTHING there are %v", got)
	}
	if got, want := f.reason("Keep"), "The following resource(s) failed to create: [C]. "; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if got := f.remove("Keep"); got != deleteComplete {
		t.Errorf("after delete: %s", got)
	}
	run("Gone", sdk.CreateStackInput{OnFailure: types.OnFailureDelete}, deleteComplete)
	if got := f.memory.values(); len(got) != 0 {
		t.Errorf("after DELETE there are %v", got)
	}
}

func TestFailedDelete(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", chain)
	f.memory.failAt("delete B", errOnPurpose)
	if got := f.remove("S"); got != deleteFailed {
		t.Fatalf("status %s", got)
	}
	// B needs A, so A has to stay with it; nothing needs C.
	if diff := cmp.Diff(map[string]string{"A": "<nil>", "B": f.memory.physical("A")}, f.memory.values()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if got, want := f.reason("S"), "The following resource(s) failed to delete: [B]. "; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	name := "S"
	if _, err := f.client.DeleteStack(t.Context(), &sdk.DeleteStackInput{StackName: &name, RetainResources: []string{"B"}}); err != nil {
		t.Fatal(err)
	}
	if got := f.settle(f.id("S")); got != deleteComplete {
		t.Fatalf("status %s", got)
	}
	if !slices.Contains(f.trace("S"), "B DELETE_SKIPPED") {
		t.Errorf("events: %s", strings.Join(f.trace("S"), "\n"))
	}
}

func TestDeleteDuringCreate(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.memory.blockAt("create B")
	body, name := chain, "S"
	out, err := f.client.CreateStack(t.Context(), &sdk.CreateStackInput{StackName: &name, TemplateBody: &body})
	if err != nil {
		t.Fatal(err)
	}
	f.until("create B")
	if _, err := f.client.DeleteStack(t.Context(), &sdk.DeleteStackInput{StackName: &name}); err != nil {
		t.Fatal(err)
	}
	if got := f.settle(*out.StackId); got != deleteComplete {
		t.Fatalf("status %s", got)
	}
	if left := f.memory.values(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRetain(t *testing.T) {
	t.Parallel()
	f := start(t)
	template := `
Resources:
  Kept: {Type: Test::Memory::Thing, DeletionPolicy: Retain, UpdateReplacePolicy: Retain, Properties: {Name: %s, Value: 1}}
  Tried: {Type: Test::Memory::Thing, DeletionPolicy: RetainExceptOnCreate}
  Gone: {Type: Test::Memory::Thing}
`
	f.create("S", fmt.Sprintf(template, "a"))
	f.update("S", fmt.Sprintf(template, "b"))
	if got := f.memory.values()["Kept"]; got != "1 and 1" {
		t.Errorf("after the replacement Kept is %q, want both", got)
	}
	f.remove("S")
	if diff := cmp.Diff(map[string]string{"Kept": "1 and 1", "Tried": "<nil>"}, f.memory.values()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// A failing resource at any position of any graph rolls everything back, and nothing that needs
// it is ever begun.
func TestAnyFailureRollsBack(t *testing.T) {
	t.Parallel()
	f := start(t)
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		template, needs := randomTemplate(rnd)
		bad := fmt.Sprintf("R%d", rnd.IntN(len(needs)))
		f.memory.failAt("create "+bad, errOnPurpose)
		f.memory.done()
		name := fmt.Sprintf("S%d", seed)
		if got := f.create(name, template); got != rollbackComplete {
			t.Fatalf("seed %d: status %s", seed, got)
		}
		f.memory.failAt("create "+bad, nil)
		log := f.memory.done()
		for id, list := range needs {
			for _, need := range list {
				if slices.Contains(log, "create "+id) && (need == bad || !before(log, "create "+need, "create "+id)) {
					t.Fatalf("seed %d: %s was begun without %s: %v", seed, id, need, log)
				}
				if slices.Contains(log, "delete "+id) && !before(log, "delete "+id, "delete "+need) {
					t.Fatalf("seed %d: %s was deleted after %s, which it needs: %v", seed, id, need, log)
				}
			}
		}
		if left := f.memory.values(); len(left) > 0 {
			t.Fatalf("seed %d: left %v", seed, left)
		}
	}
}

// Any graph converges in the order of its dependencies and goes in the reverse one.
func TestAnyGraphConverges(t *testing.T) {
	t.Parallel()
	f := start(t)
	for seed := range uint64(30) {
		template, needs := randomTemplate(rand.New(rand.NewPCG(seed, 3)))
		name := fmt.Sprintf("S%d", seed)
		if got := f.create(name, template); got != createComplete {
			t.Fatalf("seed %d: status %s", seed, got)
		}
		if got := f.remove(name); got != deleteComplete {
			t.Fatalf("seed %d: status %s", seed, got)
		}
		log := f.memory.done()
		for id, list := range needs {
			for _, need := range list {
				if !before(log, "create "+need, "create "+id) || !before(log, "delete "+id, "delete "+need) {
					t.Fatalf("seed %d: %s and %s: %v", seed, id, need, log)
				}
			}
		}
	}
}

// randomTemplate has 1 to 12 resources, each needing some of those with lower numbers.
func randomTemplate(rnd *rand.Rand) (template string, needs map[string][]string) {
	needs = map[string][]string{}
	var b strings.Builder
	b.WriteString("Resources:\n")
	n := 1 + rnd.IntN(12)
	for i := range n {
		id := fmt.Sprintf("R%d", i)
		needs[id] = nil
		for j := range i {
			if rnd.IntN(3) == 0 {
				needs[id] = append(needs[id], fmt.Sprintf("R%d", j))
			}
		}
		fmt.Fprintf(&b, "  %s: {Type: Test::Memory::Thing, Properties: {List: [", id)
		for k, need := range needs[id] {
			if k > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "!Ref %s", need)
		}
		b.WriteString("]}}\n")
	}
	return b.String(), needs
}
