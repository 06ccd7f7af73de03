package command

import (
	"strings"
	"testing"

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
	panels := instrumentPanels(&set)
	if len(panels) != 1 || !strings.Contains(panels[0].Queries[0].InfluxQL, `"instance", "kind" fill(none)`) {
		t.Errorf("%+v", panels)
	}
}
