package metrics

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Go's runtime is a point of the first batch, and of those that come ten seconds later or more.
func TestRuntime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		runtime.GC() // one at least to tell of
		for range 12 {
			h.invoke(time.Minute)
			time.Sleep(2 * time.Second)
		}
		sent, points := h.store.sent(), 0
		for _, b := range sent {
			points += strings.Count(b, "\nruntime,")
		}
		if points != 3 {
			t.Errorf("%d points in 24 s", points)
		}
		for _, name := range []string{"cgo_calls", "frees", "gc_cpu_fraction", "gc_pause_ms", "gc_pause_total_ms", "goroutines", "heap_alloc", "heap_idle",
			"heap_inuse", "heap_objects", "heap_released", "heap_sys", "mallocs", "next_gc", "num_gc", "stack_inuse", "stack_sys", "sys", "total_alloc"} {
			if field(sent[0], "runtime", name) == "" {
				t.Errorf("no %s in %s", name, sent[0])
			}
		}
		for _, name := range []string{"goroutines", "heap_alloc", "num_gc", "sys", "total_alloc", "gc_pause_total_ms"} {
			if v := field(sent[0], "runtime", name); parse(t, strings.TrimSuffix(v, "i")) <= 0 {
				t.Errorf("%s is %s", name, v)
			}
		}
	})
}
