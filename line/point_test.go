package line_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/line"
)

var at = time.Unix(1763800000, 123456789)

func TestPointAppend(t *testing.T) {
	t.Parallel()
	one := []line.Field{line.Int("n", 1)}
	f := func(p line.Point, want string) {
		t.Helper()
		got, err := p.Append([]byte("before\n"))
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		if diff := cmp.Diff("before\n"+want+"\n", string(got)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	f(line.Point{Measurement: "m", Fields: one, Time: at}, `m n=1i 1763800000123456789`)
	f(line.Point{Measurement: "m", Fields: one, Time: time.Unix(0, -5)}, `m n=1i -5`)
	f(line.Point{Measurement: "m", Time: at, Fields: []line.Field{
		line.Int("i", math.MinInt64), line.Float("f", 1e6), line.Float("g", 0.1), line.Bool("b", true),
		line.Bool("c", false), line.String("s", ""),
	}}, `m i=-9223372036854775808i,f=1e+06,g=0.1,b=true,c=false,s="" 1763800000123456789`)
	f(line.Point{Measurement: "a b,c=d", Tags: []line.Tag{{Key: "k ,=", Value: "v ,="}}, Fields: one, Time: at},
		`a\ b\,c=d,k\ \,\==v\ \,\= n=1i 1763800000123456789`)
	f(line.Point{Measurement: `a\b`, Tags: []line.Tag{{Key: "k", Value: `C:\dir`}}, Fields: one, Time: at},
		`a\b,k=C:\dir n=1i 1763800000123456789`)
	f(line.Point{Measurement: "m", Fields: []line.Field{line.String("s", `say "C:\"`)}, Time: at},
		`m s="say \"C:\\\"" 1763800000123456789`)
	f(line.Point{Measurement: "m", Tags: []line.Tag{{Key: "instance", Value: "2025/11/22/[$LATEST]ab"}}, Fields: one, Time: at},
		`m,instance=2025/11/22/[$LATEST]ab n=1i 1763800000123456789`)
}

func TestPointRefused(t *testing.T) {
	t.Parallel()
	one := []line.Field{line.Int("n", 1)}
	f := func(p line.Point, want string) {
		t.Helper()
		if p.Time.IsZero() {
			p.Time = at
		}
		got, err := p.Append([]byte("before\n"))
		if err == nil {
			t.Errorf("%+v is taken: %s", p, got)
			return
		}
		if string(got) != "before\n" {
			t.Errorf("%+v: an error leaves %q", p, got)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %q does not say %q", p, err, want)
		}
	}
	name := func(s string) line.Point { return line.Point{Measurement: s, Fields: one} }
	tag := func(k, v string) line.Point {
		return line.Point{Measurement: "m", Tags: []line.Tag{{Key: k, Value: v}}, Fields: one}
	}
	field := func(fields ...line.Field) line.Point { return line.Point{Measurement: "m", Fields: fields} }

	f(name(""), "its name is empty")
	f(name("#m"), "comment")
	f(name("_m"), "underscore")
	f(name("a\nb"), "line break")
	f(name("a\tb"), "control character")
	f(name("a\xffb"), "UTF-8")
	f(name(`a\`), "backslash")
	f(name(`a\ b`), "backslash")
	f(name(strings.Repeat("m", 65531)), "more than 65531 bytes")

	f(tag("", "v"), `tag "": its name is empty`)
	f(tag("k", ""), `tag "k": its value is empty`)
	f(tag("time", "v"), "timestamp")
	f(tag("_k", "v"), "underscore")
	f(tag("k", "a\nb"), "line break")
	f(tag("k", `a\`), "backslash")
	f(tag("n", "v"), `field "n": there is a tag of that name`)
	f(line.Point{Measurement: "m", Tags: []line.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}}, Fields: one},
		`tag "k": there are two of it`)

	f(field(), "no field")
	f(field(line.Field{}), "its name is empty")
	f(field(line.Int("time", 1)), "timestamp")
	f(field(line.Int("b", 1), line.Int("a", 1), line.Int("b", 1)), `field "b": there are two of it`)
	f(field(line.Float("f", math.NaN())), "NaN")
	f(field(line.Float("f", math.Inf(-1))), "infinity")
	f(field(line.String("s", "a\nb")), "line break")
	f(field(line.String("s", "a\xff")), "UTF-8")
	f(field(line.String("s", strings.Repeat("s", 64<<10+1))), "64 KiB")

	for _, when := range []time.Time{{}, time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, math.MinInt64)} {
		if got, err := (line.Point{Measurement: "m", Fields: one, Time: when}).Append(nil); err == nil {
			t.Errorf("time %v is taken: %s", when, got)
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	tags := []line.Tag{{Key: "version", Value: "7"}, {Key: "function", Value: "f"}}
	s, err := line.NewSeries("invocation", tags...)
	if err != nil {
		t.Fatal(err)
	}
	if tags[0].Key != "version" {
		t.Error("NewSeries sorted the caller's slice")
	}
	got, err := s.Append(nil, at, line.Float("duration_ms", 1.5), line.Bool("ok", true))
	if err != nil {
		t.Fatal(err)
	}
	want := "invocation,function=f,version=7 duration_ms=1.5,ok=true 1763800000123456789\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s.String() != "invocation,function=f,version=7" {
		t.Errorf("String is %q", s)
	}
	if _, err := s.Append(nil, at, line.Int("function", 1)); err == nil {
		t.Error("a field with a tag's name is taken")
	}
	if _, err := line.NewSeries("m", line.Tag{Key: "time", Value: "v"}); err == nil {
		t.Error("a tag named time is taken")
	}
	if _, err := (line.Series{}).Append(nil, at, line.Int("n", 1)); err == nil {
		t.Error("the empty series takes a point")
	}
}

// testing.AllocsPerRun wants to run alone.
func TestAppendAllocatesNothing(t *testing.T) {
	tags := []line.Tag{{Key: "function", Value: "hello world"}, {Key: "instance", Value: "2025/11/22/[$LATEST]ab"}}
	s, err := line.NewSeries("invocation", tags...)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		p := line.Point{
			Measurement: "invocation", Tags: tags, Time: at,
			Fields: []line.Field{line.Float("duration_ms", 1.25), line.Bool("ok", true), line.String("error", "a b")},
		}
		if _, err := p.Append(buf); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("Point.Append: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Append(buf, at, line.Float("duration_ms", 1.25), line.Int("n", 1)); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("Series.Append: %v allocations", n)
	}
}

func BenchmarkSeriesAppend(b *testing.B) {
	s, err := line.NewSeries("helloWorldCounterMetric", line.Tag{Key: "function", Value: "SpartaGrafana-HelloWorld"},
		line.Tag{Key: "instance", Value: "2025/11/22/[$LATEST]0123456789abcdef0123456789abcdef"}, line.Tag{Key: "version", Value: "$LATEST"})
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.Append(buf, at, line.Int("count", 12), line.Int("total", 123456))
	}
}
