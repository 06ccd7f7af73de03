package logs

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// BenchmarkCommit is what an invocation's END and REPORT lines take.
func BenchmarkCommit(b *testing.B) {
	s := open(b, b.TempDir())
	w := s.OpenStream(hello, "stream")
	line := []byte("REPORT RequestId: 4f1c0f0c-0c3e-4d7e-9d5f-2f4f7f1c0f0c\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 20 MB\t")
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		w.Append(now, line)
		w.Append(now, line)
		w.Commit()
	}
}

// BenchmarkFollow looks for what is new among 300 streams that are full.
func BenchmarkFollow(b *testing.B) {
	s := open(b, b.TempDir())
	line := []byte(strings.Repeat("x", 200))
	start := time.Now()
	for i := range 300 {
		w := s.OpenStream(hello, fmt.Sprint(i))
		for range 1000 {
			w.Append(start.Add(-time.Minute), line)
			w.Commit()
		}
		w.Append(time.Now(), line)
		w.Commit()
	}
	for b.Loop() {
		page, err := s.FilterLogEvents(b.Context(), Query{Group: hello, Start: start.UnixMilli()})
		if err != nil || len(page.Events) != 300 {
			b.Fatal(len(page.Events), err)
		}
	}
}
