package command

import (
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/metrics"
)

// TestInstrumentPanelsTellTagsApart, where adding up says nothing.
func TestInstrumentPanelsTellTagsApart(t *testing.T) {
	t.Parallel()
	var set metrics.Set
	for _, kind := range []string{"a", "b"} {
		if _, err := set.Gauge("pool", metrics.With("kind", kind)); err != nil {
			t.Fatal(err)
		}
	}
	panels := instrumentPanels(set.Declared())
	if len(panels) != 1 || !strings.Contains(panels[0].Queries[0].InfluxQL, `"instance", "kind" fill(none)`) {
		t.Errorf("%+v", panels)
	}
}

// TestInstrumentsAreChecked before anything is made, by every command that makes something.
func TestInstrumentsAreChecked(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"up", "--state", t.TempDir()}, {"provision", "--state", t.TempDir()}, {"template", "app"}} {
		app := ephor.New("Shop")
		app.Function("Orders", func() {})
		app.Monitor(ephor.Grafana{})
		var out, said strings.Builder
		p := &program{app: app, stdout: &out, stderr: &said, declared: []metrics.Declared{{Name: "deploy", Kind: "counter"}, {Name: "of $function", Kind: "gauge"}}}
		if status := p.run(t.Context(), args); status != 1 || out.Len() > 0 || !strings.Contains(said.String(), `instrument "deploy": the monitoring host's`) || !strings.Contains(said.String(), `instrument "of $function": Grafana puts`) {
			t.Errorf("%s: status %d, %s%s", args, status, &out, &said)
		}
	}
}
