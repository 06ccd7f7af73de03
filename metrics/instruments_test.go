package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/line"
)

var testSeries = func() line.Series {
	s, err := line.NewSeries("m")
	if err != nil {
		panic(err)
	}
	return s
}()

// cutOf is the point that an instrument publishes, without its time; "" if there is none.
func cutOf(t *testing.T, i instrument) string {
	t.Helper()
	b, err := i.appendPoint(nil, testSeries, time.Unix(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), " 1\n")
}

func TestCounter(t *testing.T) {
	t.Parallel()
	var c Counter
	f := func(want string) {
		t.Helper()
		if got := cutOf(t, &c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("")
	c.Inc()
	c.Add(4)
	f("m count=5i,total=5i")
	f("")
	c.Add(0)
	f("")
	c.Inc()
	f("m count=1i,total=6i")
	if c.Total() != 6 {
		t.Errorf("Total is %d", c.Total())
	}
	defer func() {
		if recover() == nil {
			t.Error("a counter goes down")
		}
	}()
	c.Add(-1)
}

func TestGauge(t *testing.T) {
	t.Parallel()
	var g Gauge
	f := func(want string) {
		t.Helper()
		if got := cutOf(t, &g); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("")
	g.Set(0)
	f("m value=0")
	g.Set(0)
	f("")
	g.Set(2.5)
	g.Add(-4)
	f("m value=-1.5")
	g.Set(math.NaN())
	g.Set(math.Inf(1))
	g.Add(math.Inf(1))
	f("")
	if g.Value() != -1.5 {
		t.Errorf("Value is %v", g.Value())
	}
	var fresh Gauge
	fresh.Add(1)
	if got := cutOf(t, &fresh); got != "m value=1" {
		t.Errorf("got %q", got)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var h Histogram
	f := func(want string) {
		t.Helper()
		if got := cutOf(t, &h); got != want {
			t.Errorf("got\n%q, want\n%q", got, want)
		}
	}
	f("")
	for range 3 {
		h.Observe(1)
	}
	h.Observe(1000)
	h.Observe(math.NaN())
	h.Observe(math.Inf(1))
	h.Observe(math.Inf(-1))
	p50 := 2 * 1 * theGrid.bounds[49] / (1 + theGrid.bounds[49])
	f("m b_048=3i,b_120=1i,count=4i,max=1000,min=1,p50=" + number(p50) + ",p90=1000,p99=1000,sum=1003")
	f("")
	h.Observe(0)
	h.Observe(-5)
	h.Observe(1e9)
	f("m b_000=2i,b_159=1i,clamped=3i,count=3i,max=1e+09,min=-5,p50=" + number(theGrid.mid(0)) + ",p90=" + number(theGrid.mid(159)) +
		",p99=" + number(theGrid.mid(159)) + ",sum=9.99999995e+08")
	h.Observe(2)
	f("m b_055=1i,count=1i,max=2,min=2,p50=2,p90=2,p99=2,sum=2")
}

func number(v float64) string {
	b, _ := line.Point{Measurement: "m", Fields: []line.Field{line.Float("v", v)}, Time: time.Unix(0, 1)}.Append(nil)
	return strings.TrimSuffix(strings.TrimPrefix(string(b), "m v="), " 1\n")
}

// Whatever the distribution and however it is spread over histograms, a quantile of the buckets
// added up errs by 5 % of the exact one at most.
func TestQuantilesOfMergedHistograms(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	distributions := map[string]func() float64{
		"uniform":     func() float64 { return 0.01 + r.Float64()*1000 },
		"exponential": func() float64 { return 0.01 + r.ExpFloat64()*20 },
		"log-normal":  func() float64 { return min(max(math.Exp(r.NormFloat64()*2+2), 0.01), 46000) },
		"two peaks": func() float64 {
			if r.IntN(10) == 0 {
				return 2000 + r.NormFloat64()
			}
			return 2 + r.Float64()
		},
		"constant": func() float64 { return 17 },
	}
	for name, next := range distributions {
		for range 20 {
			parts := make([]Histogram, 1+r.IntN(8))
			values := make([]float64, 1+r.IntN(3000))
			for i := range values {
				values[i] = next()
				parts[r.IntN(len(parts))].Observe(values[i])
			}
			slices.Sort(values)
			var merged [Buckets]int64
			for i := range parts {
				for j := range merged {
					merged[j] += parts[i].buckets[j].Load()
				}
			}
			for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
				exact := values[max(int(math.Ceil(q*float64(len(values)))), 1)-1]
				got := Quantile(q, &merged)
				if e := math.Abs(got-exact) / exact; e > 0.05 {
					t.Errorf("%s: the %v quantile of %d values is %v, told as %v: %.1f %% off", name, q, len(values), exact, got, 100*e)
				}
			}
		}
	}
	if q := Quantile(0.5, new([Buckets]int64)); q != 0 {
		t.Errorf("a quantile of nothing is %v", q)
	}
}

func TestGridFindsEveryBucket(t *testing.T) {
	t.Parallel()
	f := func(v float64, want int) {
		t.Helper()
		if got, _ := theGrid.bucket(v); got != want {
			t.Errorf("%v is in bucket %d, want %d", v, got, want)
		}
	}
	for i := range Buckets {
		from, to := Bounds(i)
		f(from, i)
		f(math.Sqrt(from*to), i)
		f(math.Nextafter(to, 0), i)
		if to/from > 1.101 {
			t.Errorf("bucket %d is from %v to %v", i, from, to)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		v := math.Pow(10, r.Float64()*6.66-2)
		i, clamped := theGrid.bucket(v)
		if from, to := Bounds(i); clamped || v < from || v >= to {
			t.Fatalf("%v is in bucket %d, from %v to %v, clamped %v", v, i, from, to, clamped)
		}
	}
	f(0, 0)
	f(-1, 0)
	f(math.Nextafter(0.01, 0), 0)
	f(math.MaxFloat64, Buckets-1)
}

// Nothing is lost and nothing counted twice while points are cut under way.
func TestCutsAddUpUnderConcurrency(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 5000
	var c Counter
	var h Histogram
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range each {
				c.Inc()
				h.Observe(float64(1 + i%100))
			}
		})
	}
	var done atomic.Bool
	go func() { wg.Wait(); done.Store(true) }()
	var cuts []string
	for last := false; !last; {
		last = done.Load()
		cuts = append(cuts, cutOf(t, &c), cutOf(t, &h))
	}
	totals := map[string]float64{}
	for _, cut := range cuts {
		_, fields, _ := strings.Cut(cut, " ")
		for _, f := range strings.Split(fields, ",") {
			name, value, _ := strings.Cut(f, "=")
			var v float64
			if value != "" {
				v = parse(t, strings.TrimSuffix(value, "i"))
			}
			if _, top := Bounds(96); name == "min" && v < 1 || name == "max" && v > top {
				t.Fatalf("%s", cut)
			}
			if strings.HasPrefix(name, "b_") {
				name = "buckets"
			}
			if name == "count" && !strings.Contains(cut, "b_") {
				name = "counter"
			}
			totals[name] += v
		}
	}
	got := map[string]float64{}
	for _, name := range []string{"counter", "count", "buckets", "sum"} {
		got[name] = totals[name]
	}
	const n = goroutines * each
	if diff := cmp.Diff(map[string]float64{"counter": n, "count": n, "buckets": n, "sum": n * 50.5}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// testing.AllocsPerRun wants to run alone.
func TestInstrumentsAllocateNothing(t *testing.T) {
	var c Counter
	var g Gauge
	var h Histogram
	if n := testing.AllocsPerRun(100, func() {
		c.Inc()
		c.Add(2)
		g.Set(3)
		g.Add(4)
		h.Observe(5)
		h.ObserveSince(time.Now())
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
