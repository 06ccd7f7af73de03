package bench

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// A respondent is a program whose responses are timed.
type respondent struct {
	name, program string
	*environment
	took []float64 // microseconds
}

// BenchmarkResponse is what the publisher adds to the time until a response is there, where a handler
// does nothing. Four environments take turns in an order that is drawn, since who comes behind the same
// program finds it warm: a bare handler; another, whose difference is the measurement's own; one that
// counts and publishes; and a bare one beside an extension that does nothing.
//
// The first part is the figure. In the second each invocation comes after a pause, and in the third the
// processes have one processor, which Lambda gives to none.
func BenchmarkResponse(b *testing.B) {
	paths := programs(b, "bare", "ephor", "extension")
	free := func(_ *testing.B, c *exec.Cmd) error { return c.Start() }
	b.Run("Processors=all", func(b *testing.B) { responses(b, paths, free, 0) })
	b.Run("Processors=all/Pause=150ms", func(b *testing.B) { responses(b, paths, free, 150*time.Millisecond) })
	b.Run("Processors=1", func(b *testing.B) { responses(b, paths, startOnOne, 0) })
}

// mostPaused bounds the turns that begin with a pause, whatever -benchtime says: they take long.
const mostPaused = 200

func responses(b *testing.B, paths map[string]string, start func(*testing.B, *exec.Cmd) error, pause time.Duration) {
	var batches atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // as a store would read it
		batches.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer store.Close()
	bare, control := &respondent{name: "bare", program: "bare"}, &respondent{name: "control", program: "bare"}
	all := []*respondent{bare, control, {name: "ephor", program: "ephor"}, {name: "extension", program: "extension"}}
	for _, r := range all {
		r.environment = newEnvironment(b, paths[r.program], store.URL, start)
	}
	turn := func() {
		time.Sleep(pause)
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, r := range all {
			r.took = append(r.took, r.invoke())
		}
	}
	for range 20 {
		turn()
	}
	for _, r := range all {
		r.took = nil
	}
	for n := 0; b.Loop(); n++ {
		if pause == 0 || n < mostPaused {
			turn()
		}
	}
	for _, r := range all {
		if r.registered.Load() != (r.program != "bare") {
			b.Errorf("%s: has registered: %v", r.name, r.registered.Load())
		}
	}
	if n := int(batches.Load()); n < len(bare.took) {
		b.Errorf("%d batches of %d invocations", n, len(bare.took))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(bare.took)), "turns")
	for _, r := range all {
		b.ReportMetric(median(r.took), r.name+"-p50-µs")
		if r != bare {
			b.ReportMetric(median(r.took)/median(bare.took), r.name+"-times")
		}
	}
}
