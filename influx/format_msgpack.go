package influx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/influxdata/influxdb/models"
	"github.com/influxdata/influxdb/query"
)

// msgpackEncoder writes MessagePack, https://github.com/msgpack/msgpack/blob/master/spec.md, with InfluxDB's
// extension for timestamps.
type msgpackEncoder struct{}

func (msgpackEncoder) encode(w io.Writer, r response) error {
	var b msgpack
	b.mapHeader(1)
	if r.err != "" {
		b.string("error")
		b.string(r.err)
	} else {
		b.string("results")
		b.arrayHeader(len(r.results))
		for _, result := range r.results {
			b.result(result)
		}
	}
	_, err := w.Write(b)
	return err
}

// A msgpack is a message being built.
type msgpack []byte

func (b *msgpack) result(r *query.Result) {
	if r.Err != nil {
		b.mapHeader(1)
		b.string("error")
		b.string(r.Err.Error())
		return
	}
	b.mapHeader(2 + count(len(r.Messages) > 0, r.Partial))
	b.string("statement_id")
	b.int(int64(r.StatementID))
	if len(r.Messages) > 0 {
		b.string("messages")
		b.arrayHeader(len(r.Messages))
		for _, m := range r.Messages {
			b.mapHeader(2)
			b.string("level")
			b.string(m.Level)
			b.string("text")
			b.string(m.Text)
		}
	}
	b.string("series")
	b.arrayHeader(len(r.Series))
	for _, series := range r.Series {
		b.series(series)
	}
	b.partial(r.Partial)
}

func (b *msgpack) series(s *models.Row) {
	b.mapHeader(2 + count(s.Name != "", len(s.Tags) > 0, s.Partial))
	if s.Name != "" {
		b.string("name")
		b.string(s.Name)
	}
	if len(s.Tags) > 0 {
		b.string("tags")
		b.mapHeader(len(s.Tags))
		keys := make([]string, 0, len(s.Tags))
		for key := range s.Tags {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			b.string(key)
			b.string(s.Tags[key])
		}
	}
	b.string("columns")
	b.arrayHeader(len(s.Columns))
	for _, column := range s.Columns {
		b.string(column)
	}
	b.string("values")
	b.arrayHeader(len(s.Values))
	for _, row := range s.Values {
		b.arrayHeader(len(row))
		for _, value := range row {
			b.value(value)
		}
	}
	b.partial(s.Partial)
}

func (b *msgpack) partial(partial bool) {
	if partial {
		b.string("partial")
		*b = append(*b, 0xc3)
	}
}

func (b *msgpack) value(value any) {
	switch v := value.(type) {
	case nil, *float64, *int64, *string, *bool: // the engine's ways to say that there is none
		*b = append(*b, 0xc0)
	case bool:
		if v {
			*b = append(*b, 0xc3)
		} else {
			*b = append(*b, 0xc2)
		}
	case string:
		b.string(v)
	case int:
		b.int(int64(v))
	case int64:
		b.int(v)
	case uint64:
		b.uint(v)
	case float64:
		*b = binary.BigEndian.AppendUint64(append(*b, 0xcb), math.Float64bits(v))
	case time.Time:
		// Extension type 5: 8 bytes of seconds and 4 of nanoseconds.
		*b = binary.BigEndian.AppendUint64(append(*b, 0xc7, 12, 5), uint64(v.Unix()))
		*b = binary.BigEndian.AppendUint32(*b, uint32(v.Nanosecond()))
	default: // of SHOW statements: []string
		b.string(fmt.Sprint(value))
	}
}

func (b *msgpack) mapHeader(n int)   { b.header(n, 0x80, 15, 0xde) }
func (b *msgpack) arrayHeader(n int) { b.header(n, 0x90, 15, 0xdc) }

// header writes a length the short way, in the low bits of a byte, or behind one of two codes that follow each
// other, in 16 or 32 bits.
func (b *msgpack) header(n int, short byte, shortMax int, code byte) {
	switch {
	case n <= shortMax:
		*b = append(*b, short|byte(n))
	case n <= math.MaxUint16:
		*b = binary.BigEndian.AppendUint16(append(*b, code), uint16(n))
	default:
		*b = binary.BigEndian.AppendUint32(append(*b, code+1), uint32(n))
	}
}

func (b *msgpack) string(s string) {
	if n := len(s); n > 31 && n <= math.MaxUint8 {
		*b = append(*b, 0xd9, byte(n))
	} else {
		b.header(n, 0xa0, 31, 0xda)
	}
	*b = append(*b, s...)
}

// int writes an integer in as few bytes as hold it.
func (b *msgpack) int(v int64) {
	switch {
	case v >= 0:
		b.uint(uint64(v))
	case v >= -32:
		*b = append(*b, byte(v))
	case v >= math.MinInt8:
		*b = append(*b, 0xd0, byte(v))
	case v >= math.MinInt16:
		*b = binary.BigEndian.AppendUint16(append(*b, 0xd1), uint16(v))
	case v >= math.MinInt32:
		*b = binary.BigEndian.AppendUint32(append(*b, 0xd2), uint32(v))
	default:
		*b = binary.BigEndian.AppendUint64(append(*b, 0xd3), uint64(v))
	}
}

func (b *msgpack) uint(v uint64) {
	switch {
	case v <= math.MaxInt8:
		*b = append(*b, byte(v))
	case v <= math.MaxUint8:
		*b = append(*b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		*b = binary.BigEndian.AppendUint16(append(*b, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		*b = binary.BigEndian.AppendUint32(append(*b, 0xce), uint32(v))
	default:
		*b = binary.BigEndian.AppendUint64(append(*b, 0xcf), v)
	}
}

func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
