package monitor_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processor is the time of processors that this process has had.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (s long) size(dir string) (bytes int64) {
	s.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return bytes
}

// memory is what the process holds, mapped files included, and what of it is Go's heap, after a collection.
func (s long) memory() (resident, heap float64) {
	s.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		s.Fatal(err)
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	if err != nil {
		s.Fatal(err)
	}
	return pages * float64(os.Getpagesize()), float64(m.HeapAlloc)
}

// heap is how much more than before the heap had at the most while f ran.
func (s long) heap(f func()) float64 {
	s.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, seen := m.HeapAlloc, []uint64{m.HeapAlloc}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
				runtime.ReadMemStats(&m)
				seen = append(seen, m.HeapAlloc)
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return float64(slices.Max(seen) - before)
}
