// Package line writes the line protocol, in which every InfluxDB and its relatives take points.
//
//	p := line.Point{
//		Measurement: "load",
//		Tags:        []line.Tag{{Key: "target", Value: "/hello"}},
//		Fields:      []line.Field{line.Int("sent", 50), line.Float("p99_ms", 12.5)},
//		Time:        time.Now(),
//	}
//	buf, err := p.Append(nil) // load,target=/hello sent=50i,p99_ms=12.5 1763800000000000000\n
//
// A point that some store could not hold, or would take for another one, is refused here, where
// the message can still say what is wrong with it. Encoding allocates nothing but room in the
// buffer. A Series keeps the part of a point that never changes.
//
// https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
package line

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Tag is one indexed key and value of a point.
type Tag struct {
	Key, Value string
}

// Point is one point. Its measurement and tags are its series; of two points of one series with
// the same time a store keeps one, with the fields of both.
type Point struct {
	Measurement string
	// Tags may stand in any order; stores are quickest with them sorted by key.
	Tags []Tag
	// Fields are at least one.
	Fields []Field
	// Time is written in nanoseconds. It must be set: a point without a time would get another
	// one at every retry.
	Time time.Time
}

// Append appends the point and a newline to dst. With an error it returns dst as it was. Append
// only reads p: points may be encoded from several goroutines.
//
// What is refused: an empty name or value; NaN and infinities; a name with a control character,
// in invalid UTF-8 or beginning with an underscore (the stores' own); a backslash that would
// escape what follows it; a measurement that reads as a comment; a tag or field named time; a
// name borne by two of a point's tags and fields; a string with a line break or of more than
// 64 KiB; a key or time out of the stores' range.
func (p Point) Append(dst []byte) ([]byte, error) {
	start := len(dst)
	out, err := appendKey(dst, p.Measurement, p.Tags)
	if err == nil {
		out, err = appendRest(out, len(out)-start, p.Tags, p.Fields, p.Time)
	}
	if err != nil {
		// Cloned, since what reaches an error would take p's slices with it to the heap.
		return dst, fmt.Errorf("point of %q: %w", strings.Clone(p.Measurement), err)
	}
	return out, nil
}

// Limits of InfluxDB 1.x, the narrowest of the stores: a key is measurement, tags, a separator of
// four bytes and one field's name; the two smallest and the largest integer are no times.
const (
	maxKey       = 65535
	keySeparator = 4
	maxString    = 64 << 10
	minTime      = math.MinInt64 + 2
	maxTime      = math.MaxInt64 - 1
)

func appendKey(dst []byte, measurement string, tags []Tag) ([]byte, error) {
	if err := checkMeasurement(measurement); err != nil {
		return dst, err
	}
	dst = appendEscaped(dst, measurement, inMeasurement)
	for i, t := range tags {
		if err := checkKey("tag", t.Key); err != nil {
			return dst, err
		}
		if err := checkText(t.Value); err != nil {
			return dst, fmt.Errorf("tag %q: its value %w", t.Key, err)
		}
		for _, u := range tags[:i] {
			if u.Key == t.Key {
				return dst, fmt.Errorf("tag %q: there are two of it", t.Key)
			}
		}
		dst = append(dst, ',')
		dst = appendEscaped(dst, t.Key, inTag)
		dst = append(dst, '=')
		dst = appendEscaped(dst, t.Value, inTag)
	}
	return dst, nil
}

func appendRest(dst []byte, key int, tags []Tag, fields []Field, t time.Time) ([]byte, error) {
	if len(fields) == 0 {
		return dst, fmt.Errorf("it has no field")
	}
	// Fields in ascending order need no search for duplicates, which would be quadratic: a
	// histogram has more than a hundred.
	highest := ""
	for i := range fields {
		f := &fields[i]
		if err := checkKey("field", f.key); err != nil {
			return dst, err
		}
		if key+keySeparator+len(f.key) > maxKey {
			return dst, fmt.Errorf("field %q: measurement, tags and its name have more than %d bytes", f.key, maxKey-keySeparator)
		}
		for j := range tags {
			if tags[j].Key == f.key {
				return dst, fmt.Errorf("field %q: there is a tag of that name", f.key)
			}
		}
		if f.key > highest {
			highest = f.key
		} else if seen(fields[:i], f.key) {
			return dst, fmt.Errorf("field %q: there are two of it", f.key)
		}
		sep := byte(',')
		if i == 0 {
			sep = ' '
		}
		dst = append(dst, sep)
		dst = appendEscaped(dst, f.key, inTag)
		dst = append(dst, '=')
		var err error
		if dst, err = f.appendValue(dst); err != nil {
			return dst, fmt.Errorf("field %q: %w", f.key, err)
		}
	}
	ns, err := nanoseconds(t)
	if err != nil {
		return dst, err
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, ns, 10)
	return append(dst, '\n'), nil
}

func seen(fields []Field, key string) bool {
	for i := range fields {
		if fields[i].key == key {
			return true
		}
	}
	return false
}

func nanoseconds(t time.Time) (int64, error) {
	if t.IsZero() {
		return 0, fmt.Errorf("its time is not set")
	}
	ns := t.UnixNano()
	// UnixNano wraps around in silence; the way back shows it.
	if ns < minTime || ns > maxTime || !time.Unix(0, ns).Equal(t) {
		return 0, fmt.Errorf("its time %s cannot be told in nanoseconds", t.UTC().Format(time.RFC3339))
	}
	return ns, nil
}
