package bench

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
)

// BenchmarkResponse is what the publisher adds to the time until a response is there, where a handler
// does nothing: a bare one, one that counts and publishes, and one beside an extension that does nothing,
// by turns. The order of a turn is drawn: who comes behind the same program finds it warm.
func BenchmarkResponse(b *testing.B) {
	names := []string{"bare", "ephor", "extension"}
	paths := programs(b, names...)
	b.Run("Processors=all", func(b *testing.B) {
		responses(b, names, paths, func(_ *testing.B, c *exec.Cmd) error { return c.Start() })
	})
	b.Run("Processors=1", func(b *testing.B) { responses(b, names, paths, startOnOne) })
}

func responses(b *testing.B, names []string, paths map[string]string, start func(*testing.B, *exec.Cmd) error) {
	var batches atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // as a store would read it
		batches.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer store.Close()
	names = slices.Clone(names)
	environments, took := map[string]*environment{}, map[string][]float64{}
	for _, name := range names {
		environments[name] = newEnvironment(b, paths[name], store.URL, start)
	}
	turn := func() {
		rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			took[name] = append(took[name], environments[name].invoke())
		}
	}
	for range 20 {
		turn()
	}
	clear(took)
	for b.Loop() {
		turn()
	}
	for name, e := range environments {
		if e.registered.Load() != (name != "bare") {
			b.Errorf("%s: has registered: %v", name, e.registered.Load())
		}
	}
	if n := int(batches.Load()); n < b.N {
		b.Errorf("%d batches of %d invocations", n, b.N)
	}
	b.ReportMetric(0, "ns/op")
	bare := median(took["bare"])
	b.ReportMetric(bare, "bare-p50-µs")
	b.ReportMetric(median(took["ephor"]), "ephor-p50-µs")
	b.ReportMetric(median(took["ephor"])/bare, "ephor-times")
	b.ReportMetric(median(took["extension"])/bare, "extension-times")
}
