package metrics

import (
	"runtime"
	"time"

	"github.com/ephor-io/ephor/line"
)

// runtimeEvery is the shortest time between two points of Go's runtime: they cost a few dozen
// microseconds, in which nothing else runs, and nothing in them is in a hurry.
const runtimeEvery = 10 * time.Second

// runtimeStats are the figures of Go's runtime. Sizes are in bytes. What is counted is counted
// since the process started, but for gc_pause_ms: the longest pause since the point before.
type runtimeStats struct {
	last   moment
	seen   bool
	cycles uint32
}

func (r *runtimeStats) due(now moment) bool { return !r.seen || now.since(r.last) >= runtimeEvery }

func (r *runtimeStats) appendPoint(dst []byte, s line.Series, t time.Time, now moment) ([]byte, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	longest := r.longestPause(&m)
	r.last, r.seen, r.cycles = now, true, m.NumGC
	ms := func(ns uint64) float64 { return float64(ns) / 1e6 }
	return s.Append(dst, t,
		line.Int("cgo_calls", runtime.NumCgoCall()),
		line.Int("frees", int64(m.Frees)),
		line.Float("gc_cpu_fraction", m.GCCPUFraction),
		line.Float("gc_pause_ms", ms(longest)),
		line.Float("gc_pause_total_ms", ms(m.PauseTotalNs)),
		line.Int("goroutines", int64(runtime.NumGoroutine())),
		line.Int("heap_alloc", int64(m.HeapAlloc)),
		line.Int("heap_idle", int64(m.HeapIdle)),
		line.Int("heap_inuse", int64(m.HeapInuse)),
		line.Int("heap_objects", int64(m.HeapObjects)),
		line.Int("heap_released", int64(m.HeapReleased)),
		line.Int("heap_sys", int64(m.HeapSys)),
		line.Int("mallocs", int64(m.Mallocs)),
		line.Int("next_gc", int64(m.NextGC)),
		line.Int("num_gc", int64(m.NumGC)),
		line.Int("stack_inuse", int64(m.StackInuse)),
		line.Int("stack_sys", int64(m.StackSys)),
		line.Int("sys", int64(m.Sys)),
		line.Int("total_alloc", int64(m.TotalAlloc)),
	)
}

// longestPause looks at the collections since the point before, of which the runtime remembers
// the last 256.
func (r *runtimeStats) longestPause(m *runtime.MemStats) (longest uint64) {
	for n := m.NumGC; n > r.cycles && m.NumGC-n < uint32(len(m.PauseNs)); n-- {
		longest = max(longest, m.PauseNs[(n+255)%256])
	}
	return longest
}
