package metrics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/metrics"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	var s metrics.Set
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Histogram("sizes"))
	must(s.Counter("hellos", metrics.With("kind", "a")))
	must(s.Counter("hellos", metrics.With("kind", "b")))
	must(s.Gauge("depth"))
	must(s.UpDownCounter("open"))
	must(s.FloatCounter("spent"))
	must(s.GaugeFunc("heat", func() float64 { return 1 }))
	want := []metrics.Declared{{"sizes", "histogram", nil}, {"hellos", "counter", []string{"kind"}}, {"depth", "gauge", nil}, {"open", "counter", nil}, {"spent", "counter", nil}, {"heat", "gauge", nil}}
	if diff := cmp.Diff(want, s.Declared()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := new(metrics.Set).Declared(); len(got) != 0 {
		t.Errorf("an empty set has %v", got)
	}
}
