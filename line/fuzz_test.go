package line_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/influxdata/influxdb/models"

	"github.com/ephor-io/ephor/line"
)

// What Append takes, InfluxDB's own parser reads back as it was, also between two other lines.
func FuzzPointRoundTrip(f *testing.F) {
	f.Add("invocation", "instance", "2025/11/22/[$LATEST]ab", "duration_ms", 1.5, int64(3), true, "error", `say "no"`, int64(1763800000000000000))
	f.Add("a b,c=d", "k ,=", `v\w,=" `, "f,=\" ", 1e300, int64(-1), false, `s\t`, `\`, int64(-5))
	f.Add(`"`, `"`, `"`, `"`, math.Copysign(0, -1), int64(0), false, `""`, `\\"`, int64(0))
	f.Add(`\m`, `\t`, `\v`, `\f`, 5e-324, int64(1), true, `\g`, `a\`, int64(1))
	f.Fuzz(func(t *testing.T, name, tag, value, field string, float float64, integer int64, yes bool, key, text string, ns int64) {
		p := line.Point{
			Measurement: name,
			Tags:        []line.Tag{{Key: tag, Value: value}, {Key: "zone", Value: "z"}},
			Fields:      []line.Field{line.Float(field, float), line.Int("integer", integer), line.Bool("yes", yes), line.String(key, text)},
			Time:        time.Unix(0, ns),
		}
		const other = "other,k=v n=1i 1\n"
		buf, err := p.Append([]byte(other))
		if err != nil {
			return
		}
		lineOnly := string(buf[len(other):])
		points, err := models.ParsePoints(append(buf, other...))
		if err != nil || len(points) != 3 {
			t.Fatalf("%q reads as %d points: %v", lineOnly, len(points), err)
		}
		got := points[1]
		fields, err := got.Fields()
		if err != nil {
			t.Fatalf("%q: %v", lineOnly, err)
		}
		if diff := cmp.Diff(name, string(got.Name())); diff != "" {
			t.Errorf("%q: measurement (-want +got)\n%s", lineOnly, diff)
		}
		if diff := cmp.Diff(map[string]string{tag: value, "zone": "z"}, got.Tags().Map()); diff != "" {
			t.Errorf("%q: tags (-want +got)\n%s", lineOnly, diff)
		}
		want := models.Fields{field: float, "integer": integer, "yes": yes, key: text}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("%q: fields (-want +got)\n%s", lineOnly, diff)
		}
		if got.UnixNano() != ns {
			t.Errorf("%q: time is %d, want %d", lineOnly, got.UnixNano(), ns)
		}
	})
}
