package metrics

import (
	"math"
	"strings"
	"sync"
	"testing"
)

func TestUpDownCounter(t *testing.T) {
	t.Parallel()
	var c UpDownCounter
	f := func(want string) {
		t.Helper()
		if got := cutOf(t, &c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("")
	c.Add(5)
	c.Add(-2)
	f("m count=3i,total=3i")
	c.Add(-4)
	f("m count=-4i,total=-1i")
	f("")
	if c.Total() != -1 {
		t.Errorf("Total is %d", c.Total())
	}
}

func TestFloatCounter(t *testing.T) {
	t.Parallel()
	var c FloatCounter
	f := func(want string) {
		t.Helper()
		if got := cutOf(t, &c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("")
	c.Add(0.5)
	c.Add(0.25)
	c.Add(math.NaN())
	c.Add(math.Inf(1))
	f("m count=0.75,total=0.75")
	c.Add(1)
	f("m count=1,total=1.75")
	f("")
	defer func() {
		if recover() == nil {
			t.Error("a counter goes down")
		}
	}()
	c.Add(-0.1)
}

func TestMerge(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	f := func(d Distribution, want string) {
		t.Helper()
		var h Histogram
		h.Merge(d)
		if got := cutOf(t, &h); got != want {
			t.Errorf("%+v: got\n%q, want\n%q", d, got, want)
		}
	}
	f(Distribution{}, "")
	f(Distribution{Values: []float64{2, 3, nan}, Counts: []int64{0, -1, 7}, Sum: 5}, "")
	f(Distribution{Values: []float64{2, 1000}, Counts: []int64{3, 1}, Sum: nan, Min: nan, Max: nan},
		"m b_055=3i,b_120=1i,count=4i,max=1000,min=2,p50="+number(theGrid.mid(55))+",p90=1000,p99=1000,sum=1006")
	f(Distribution{Values: []float64{2, 1e6}, Counts: []int64{3, 1}, Sum: 7, Min: 1.99, Max: 1000001},
		"m b_055=3i,b_159=1i,clamped=1i,count=4i,max=1.000001e+06,min=1.99,p50="+number(theGrid.mid(55))+",p90="+number(theGrid.mid(159))+
			",p99="+number(theGrid.mid(159))+",sum=7")
}

// What is not known, infinite or contradicts itself of the extremes comes from the values; a point is made of it in any case.
func TestMergeReckonsExtremes(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	f := func(least, greatest float64, wantMin, wantMax string) {
		t.Helper()
		var h Histogram
		h.Merge(Distribution{Values: []float64{5, 20}, Counts: []int64{20, 1}, Sum: inf, Min: least, Max: greatest})
		got := cutOf(t, &h)
		for _, want := range []string{"count=21i", "sum=120", "min=" + wantMin + ",", "max=" + wantMax + ","} {
			if !strings.Contains(got, want) {
				t.Errorf("from %v to %v: %s, want %s", least, greatest, got, want)
			}
		}
	}
	f(-inf, inf, "5", "20")
	f(inf, -inf, "5", "20")
	f(4, inf, "4", "20")
	f(nan, 21, "5", "21")
	f(900, -3, "5", "20")
	f(900, nan, "900", "900") // against the values, and yet in order
	f(nan, -3, "5", "5")
}

// A distribution that does not add up is refused before any of it is added.
func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for _, d := range []Distribution{{Values: []float64{1, 2}, Counts: []int64{1}}, {Counts: []int64{1}}} {
		var h Histogram
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, "each value needs its count") {
					t.Errorf("%+v: %q", d, v)
				}
			}()
			h.Merge(d)
		}()
		if got := cutOf(t, &h); got != "" {
			t.Errorf("%+v: %s", d, got)
		}
	}
}

// Wherever a goroutine's stack lies, nothing is lost.
func TestStripesAddUp(t *testing.T) {
	t.Parallel()
	var c Counter
	var wg sync.WaitGroup
	var deep func(n int)
	deep = func(n int) {
		var frame [512]byte
		c.Inc()
		if n > 0 {
			deep(n - 1)
		}
		_ = frame[n%len(frame)]
	}
	for range 64 {
		wg.Go(func() { deep(99) })
	}
	wg.Wait()
	if c.Total() != 6400 {
		t.Errorf("Total is %d", c.Total())
	}
}
