package gometrics

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gm "github.com/rcrowley/go-metrics"
)

// fieldOf is a field of the one point of points.
func fieldOf(t *testing.T, points []string, name string) float64 {
	t.Helper()
	if len(points) != 1 {
		t.Fatalf("%d points: %q", len(points), points)
	}
	_, fields, _ := strings.Cut(points[0], " ")
	for _, f := range strings.Split(fields, ",") {
		if k, v, _ := strings.Cut(f, "="); k == name {
			n, err := strconv.ParseFloat(strings.TrimSuffix(v, "i"), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no field %s: %q", name, points)
	return 0
}

// While a sample is not full every delta is exact, whatever the sample's order; and afterwards
// the count.
func TestHistogramDeltas(t *testing.T) {
	t.Parallel()
	f := func(name string, update func(int64), h *harness, size int, scale float64) {
		t.Helper()
		r := rand.New(rand.NewPCG(5, 6))
		total := 0
		for round := range 40 {
			n := 1 + r.IntN(size/10)
			sum, least, greatest := 0.0, 1e18, 0.0
			for range n {
				v := 1 + r.Int64N(40_000)
				update(v)
				sum, least, greatest = sum+float64(v), min(least, float64(v)), max(greatest, float64(v))
			}
			total += n
			points := h.flush()
			if got := fieldOf(t, points, "count"); got != float64(n) {
				t.Fatalf("%s, round %d: count is %v, want %d", name, round, got, n)
			}
			for field, want := range map[string]float64{"sum": sum, "min": least, "max": greatest} {
				if got := fieldOf(t, points, field); total <= size && (got < want*scale*0.999999 || got > want*scale*1.000001) {
					t.Errorf("%s, %d of %d values: %s is %v, want %v", name, total, size, field, got, want*scale)
				}
			}
			if total > size {
				if mean := fieldOf(t, points, "sum") / float64(n) / scale; mean < 0 || mean > 40_000 {
					t.Errorf("%s: the mean is estimated as %v", name, mean)
				}
			}
		}
		if total <= size {
			t.Fatalf("%s: only %d values, the sample never fills", name, total)
		}
	}
	for name, s := range map[string]gm.Sample{"uniform": gm.NewUniformSample(200), "decaying": gm.NewExpDecaySample(200, 0.015)} {
		h := newHarness(t, nil)
		f(name, gm.NewRegisteredHistogram("h", h.registry, s).Update, h, 200, 1)
	}
	h := newHarness(t, nil)
	timer := gm.NewRegisteredTimer("t", h.registry)
	defer timer.Stop()
	f("timer", func(v int64) { timer.Update(time.Duration(v) * time.Microsecond) }, h, defaultReservoir, 1e-3)
}

// What is made here stays exact for as long as the process lives.
func TestSampleStaysExact(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *Config) { c.Scale = func(string) float64 { return 0.5 } })
	histogram := gm.NewRegisteredHistogram("h", h.registry, NewSample())
	for range 5 {
		sum := 0.0
		for v := range int64(3000) {
			histogram.Update(v)
			sum += float64(v) / 2
		}
		points := h.flush()
		if c, s := fieldOf(t, points, "count"), fieldOf(t, points, "sum"); c != 3000 || s != sum {
			t.Errorf("count %v, sum %v, want %v", c, s, sum)
		}
	}
	if histogram.Count() != 15000 || histogram.Sample().Size() != 1028 {
		t.Errorf("to others it has %d of %d", histogram.Sample().Size(), histogram.Count())
	}
	h.registry.UnregisterAll()
	timer := NewTimer()
	defer timer.Stop()
	if err := h.registry.Register("t", timer); err != nil {
		t.Fatal(err)
	}
	for range maxPending + 10 {
		timer.Update(3 * time.Millisecond)
	}
	points := h.flush()
	if c, s := fieldOf(t, points, "count"), fieldOf(t, points, "max"); c != maxPending+10 || s != 3 {
		t.Errorf("count %v, max %v", c, s)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	f := func(values, before, want []int64) {
		t.Helper()
		if got := missing(values, before); !slices.Equal(got, want) {
			t.Errorf("%v without %v: %v, want %v", values, before, got, want)
		}
	}
	f(nil, nil, nil)
	f([]int64{1, 2, 2, 3}, []int64{2}, []int64{1, 2, 3})
	f([]int64{2, 2}, []int64{1, 2, 2, 2, 5}, nil)
	f([]int64{4, 9}, []int64{1, 4, 8}, []int64{9})
}
