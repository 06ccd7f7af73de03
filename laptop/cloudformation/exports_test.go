package cloudformation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const exporter = `
Resources:
  A: {Type: Test::Memory::Thing, Properties: {Value: 1}}
Outputs:
  URL: {Value: %s, Export: {Name: !Sub "${AWS::StackName}-StoreURL"}}
`

const importer = `
Resources:
  F: {Type: Test::Memory::Thing, Properties: {Value: !ImportValue Grafana-StoreURL}}
`

func TestExportInUse(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("Grafana", fmt.Sprintf(exporter, "http://a"))
	f.create("SpartaGrafana", importer)
	f.create("Another", importer)
	if got := f.memory.values()["F"]; got != "http://a and http://a" {
		t.Errorf("F is %q", got)
	}
	if list := f.post("ListImports", "ExportName", "Grafana-StoreURL"); !strings.Contains(list, "<member>Another</member><member>SpartaGrafana</member>") {
		t.Errorf("imports: %s", list)
	}
	if list := f.post("ListExports"); !strings.Contains(list, "<Name>Grafana-StoreURL</Name><Value>http://a</Value>") {
		t.Errorf("exports: %s", list)
	}

	// DeleteStack succeeds, and the stack stays what it was, with a reason.
	f.forget()
	if got := f.remove("Grafana"); got != createComplete {
		t.Errorf("after delete: %s", got)
	}
	const reason = "Delete canceled. Cannot delete export Grafana-StoreURL as it is in use by Another, SpartaGrafana."
	if got := f.reason("Grafana"); got != reason {
		t.Errorf("reason %q", got)
	}
	if diff := cmp.Diff([]string{"Grafana DELETE_IN_PROGRESS User Initiated", "Grafana CREATE_COMPLETE " + reason}, f.trace("Grafana")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// An update may neither change the export nor take it away.
	for name, c := range map[string][2]string{
		"change": {fmt.Sprintf(exporter, "http://b"), "Cannot update export Grafana-StoreURL as it is in use by Another, SpartaGrafana."},
		"remove": {"Resources:\n  A: {Type: Test::Memory::Thing, Properties: {Value: 1}}", reason},
	} {
		if got := f.update("Grafana", c[0]); got != updateRollbackComplete {
			t.Errorf("%s: status %s", name, got)
		}
		if want := "Grafana UPDATE_ROLLBACK_IN_PROGRESS " + c[1]; !strings.Contains(strings.Join(f.trace("Grafana"), "\n"), want) {
			t.Errorf("%s: no %q in %s", name, want, strings.Join(f.trace("Grafana"), "\n"))
		}
		if got := f.outputs("Grafana")["URL"]; got != "http://a" {
			t.Errorf("%s: the output is %s", name, got)
		}
	}

	// Without importers, all of it works.
	f.remove("SpartaGrafana")
	f.remove("Another")
	f.refuse("ListImports", "ValidationError", "Export 'Grafana-StoreURL' is not imported by any stack.", "ExportName", "Grafana-StoreURL")
	if got := f.update("Grafana", fmt.Sprintf(exporter, "http://b")); got != updateComplete {
		t.Errorf("update: %s", got)
	}
	if got := f.remove("Grafana"); got != deleteComplete {
		t.Errorf("delete: %s", got)
	}
}

func TestMissingImport(t *testing.T) {
	t.Parallel()
	f := start(t)
	if got := f.create("S", importer); got != rollbackComplete {
		t.Fatalf("status %s", got)
	}
	want := []string{
		"S CREATE_IN_PROGRESS User Initiated",
		"S ROLLBACK_IN_PROGRESS No export named Grafana-StoreURL found. Rollback requested by user.",
		"S ROLLBACK_COMPLETE",
	}
	if diff := cmp.Diff(want, f.trace("S")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestExportTwice(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("Grafana", fmt.Sprintf(exporter, "http://a"))
	again := strings.Replace(fmt.Sprintf(exporter, "x"), "${AWS::StackName}", "Grafana", 1)
	if got := f.create("Other", again); got != rollbackComplete {
		t.Fatalf("status %s", got)
	}
	want := "Other ROLLBACK_IN_PROGRESS Export with name Grafana-StoreURL is already exported by stack Grafana. Rollback requested by user."
	if got := strings.Join(f.trace("Other"), "\n"); !strings.Contains(got, want) {
		t.Errorf("events %s", got)
	}
	if left := f.memory.values(); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// An importer lets go of an export by an update, and only then.
func TestImportIsReleasedByUpdate(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("Grafana", fmt.Sprintf(exporter, "http://a"))
	f.create("S", importer)
	without := "Resources:\n  F: {Type: Test::Memory::Thing, Properties: {Value: own}}"
	f.memory.failAt("update F", errOnPurpose)
	f.update("S", without)
	if got := f.remove("Grafana"); got != createComplete {
		t.Errorf("while the update failed: %s", got)
	}
	f.remove("S")
	f.memory.failAt("update F", nil)
	f.create("S", importer)
	f.update("S", without)
	if got := f.remove("Grafana"); got != deleteComplete {
		t.Errorf("after the update: %s", got)
	}
}
