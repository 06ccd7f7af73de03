package monitor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ephor-io/ephor/monitor"
)

// late reports what the continuous queries cost that look back for what came late, all in a row, as they come when
// a store starts; otherwise each has its own moment. The longest holds up what runs every 10 seconds.
func (s long) late(b *testing.B, end time.Time, span time.Duration) {
	b.Helper()
	back := min(monitor.Late+time.Hour, span)
	var longest, worked time.Duration
	var highest float64
	for _, r := range monitor.Rollups() {
		for _, f := range r.Fields() {
			began, before := time.Now(), processor(b)
			heap := s.heap(func() {
				s.tell(f.Over(fmt.Sprintf("time >= %dms AND time < %dms", end.Add(-back).UnixMilli(), end.UnixMilli())))
			})
			took, work := time.Since(began), processor(b)-before
			longest, highest, worked = max(longest, took), max(highest, heap), worked+work
			if took > time.Second {
				b.Logf("%s over %s: %s, %s of work, %.0f MB of heap", f.Name, back, took.Round(10*time.Millisecond), work.Round(10*time.Millisecond), heap/1e6)
			}
		}
	}
	b.ReportMetric(float64(worked.Milliseconds()), "late-cpu-ms")
	b.ReportMetric(float64(longest.Milliseconds()), "late-longest-ms")
	b.ReportMetric(highest/1e6, "late-heap-MB")
}
