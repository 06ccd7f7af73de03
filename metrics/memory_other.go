//go:build !linux

package metrics

import "runtime"

// A memory reads how much memory Go's runtime has from the system, which is the nearest to be had
// everywhere.
type memory struct{}

func openMemory() memory { return memory{} }

func (memory) megabytes() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / (1 << 20)
}

func (memory) close() {}
