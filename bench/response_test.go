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
	"time"
)

// A respondent is a program whose responses are timed, in two environments: the second finds the program's code in the
// processor's caches where the first has left it, so a program that is there once would be slower than one that
// is there twice, by a tenth.
type respondent struct {
	program string
	twins   [2]*environment
	took    [2][]float64 // microseconds
}

// p50 is the median of both.
func (r *respondent) p50() float64 { return median(slices.Concat(r.took[0], r.took[1])) }

// BenchmarkResponse is what the publisher adds to the time until a response is there, where a handler
// does nothing. Two environments of a bare handler, whose difference is the measurement's own, and two of another program
// take turns in an order that is drawn: one that counts and publishes; and a bare one beside an extension that does nothing.
//
// The first part is the figure. In the second each invocation comes after a pause, and in the third the
// processes have one processor, which Lambda gives to none.
func BenchmarkResponse(b *testing.B) {
	paths := programs(b, "bare", "ephor", "extension")
	free := func(_ *testing.B, c *exec.Cmd) error { return c.Start() }
	b.Run("Publisher", func(b *testing.B) { responses(b, paths, "ephor", free, 0) })
	b.Run("Publisher/Pause=150ms", func(b *testing.B) { responses(b, paths, "ephor", free, 150*time.Millisecond) })
	b.Run("Publisher/Processors=1", func(b *testing.B) { responses(b, paths, "ephor", startOnOne, 0) })
	b.Run("Extension", func(b *testing.B) { responses(b, paths, "extension", free, 0) })
}

// mostPaused bounds the turns that begin with a pause, whatever -benchtime says: they take long.
const mostPaused = 200

func responses(b *testing.B, paths map[string]string, program string, start func(*testing.B, *exec.Cmd) error, pause time.Duration) {
	var batches atomic.Int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // as a store would read it
		batches.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer store.Close()
	bare, other := &respondent{program: "bare"}, &respondent{program: program}
	all := []*respondent{bare, other}
	for _, r := range all {
		for i := range r.twins {
			r.twins[i] = newEnvironment(b, paths[r.program], store.URL, start)
		}
	}
	turn := func() {
		time.Sleep(pause)
		for _, n := range rand.Perm(4) {
			r, i := all[n/2], n%2
			r.took[i] = append(r.took[i], r.twins[i].invoke())
		}
	}
	for range 20 {
		turn()
	}
	for _, r := range all {
		clear(r.took[:])
	}
	turns := 0
	for b.Loop() {
		if pause == 0 || turns < mostPaused {
			turn()
			turns++
		}
	}
	for _, r := range all {
		for _, e := range r.twins {
			if e.registered.Load() != (r != bare) {
				b.Errorf("%s: has registered: %v", r.program, e.registered.Load())
			}
		}
	}
	if n := int(batches.Load()); program == "ephor" && n < 2*turns {
		b.Errorf("%d batches of %d invocations", n, 2*turns)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(turns), "turns")
	b.ReportMetric(bare.p50(), "bare-p50-µs")
	b.ReportMetric(other.p50(), program+"-p50-µs")
	b.ReportMetric(other.p50()/bare.p50(), program+"-times")
	b.ReportMetric(median(bare.took[1])/median(bare.took[0]), "control-times")
}
