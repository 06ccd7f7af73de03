package bench

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A contender is one library's way to do the same thing n times.
type contender struct {
	name string
	do   func(n int)
}

// turns lets the contenders take turns, b.N rounds of each times operations by so many goroutines,
// and reports the median of each in nanoseconds for an operation, and how many times the first's
// that is.
//
// Several goroutines get in each other's way only while they run at the same time. So of theirs only
// those rounds count in which the machine, which may have other work, gave them most of two
// processors; a contender that never had them is not reported.
func turns(b *testing.B, goroutines, times int, contenders []contender) {
	b.Helper()
	took := make([][]float64, len(contenders))
	run := func(i int) {
		do := contenders[i].do
		busy, start := processorTime(b), time.Now()
		if goroutines == 1 {
			do(times)
		} else {
			var all sync.WaitGroup
			for range goroutines {
				all.Go(func() { do(times / goroutines) })
			}
			all.Wait()
		}
		wall := time.Since(start)
		if goroutines == 1 || float64(processorTime(b)-busy) > 1.7*float64(wall) {
			took[i] = append(took[i], float64(wall)/float64(times))
		}
	}
	for b.Loop() {
		for i := range contenders {
			run(i)
		}
	}
	b.ReportMetric(0, "ns/op") // of a round, which says nothing
	first := median(took[0])
	for i, c := range contenders {
		if len(took[i]) == 0 {
			continue
		}
		m := median(took[i])
		b.ReportMetric(m, c.name+"-ns")
		if i > 0 && first > 0 {
			b.ReportMetric(m/first, c.name+"-times")
		}
	}
}

// processorTime is what this process has used of all processors.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// allocations fails a benchmark whose contender of that name allocates.
func allocations(b *testing.B, name string, contenders []contender) {
	b.Helper()
	i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == name })
	if n := testing.AllocsPerRun(10, func() { contenders[i].do(100) }); n != 0 {
		b.Errorf("%s: %v allocations in 100 operations", name, n)
	}
}
