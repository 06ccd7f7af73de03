//go:build !ephor_lambda

package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/deploy"
)

// Who else imports is known before anything is deleted.
func TestUsedByOthers(t *testing.T) {
	t.Parallel()
	export := func(importers ...string) deploy.State {
		return deploy.State{Name: "Monitoring", Exports: []deploy.ExportState{{Name: "url", Importers: importers}, {Name: "ca"}}}
	}
	f := func(state deploy.State, deleted, want []string) {
		t.Helper()
		var got []string
		if used := usedByOthers(state, deleted); used != nil {
			got = used.Stacks()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	both := []string{"App", "Monitoring"}
	f(export(), both, nil)
	f(export("App"), both, nil)
	f(export("App", "Mine"), both, []string{"Mine"})
	f(export("App"), []string{"Monitoring"}, []string{"App"})
}
