package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePlan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		want  Plan
		again string // what String makes of it, if not the text
	}{
		{text: "10s@50", want: Plan{{10 * time.Second, 50, 50}}},
		{text: "10s@50,10s@50..300", want: Plan{{10 * time.Second, 50, 50}, {10 * time.Second, 50, 300}}},
		{text: "1m30s@0.5..2.25", want: Plan{{90 * time.Second, 0.5, 2.25}}},
		{text: "500ms@100000", want: Plan{{500 * time.Millisecond, 100000, 100000}}},
		{text: "24h@300..0", want: Plan{{24 * time.Hour, 300, 0}}},
		{text: " 5s@1 , 5s@0 ", want: Plan{{5 * time.Second, 1, 1}, {5 * time.Second, 0, 0}}, again: "5s@1,5s@0"},
		{text: "60s@7..7", want: Plan{{time.Minute, 7, 7}}, again: "1m@7"},
		{text: "1.5h@01.50", want: Plan{{90 * time.Minute, 1.5, 1.5}}, again: "1h30m@1.5"},
	} {
		got, err := ParsePlan(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
		if again := test.again; again == "" && got.String() != test.text || again != "" && got.String() != again {
			t.Errorf("%q: String gives %q", test.text, got)
		}
	}
}

func TestParsePlanErrors(t *testing.T) {
	t.Parallel()
	const (
		duration = "expected a duration such as 10s, 1m30s or 500ms"
		rate     = "expected a rate per second such as 50 or 0.5"
		bounds   = "a rate is between 0 and 100000 per second"
		ends     = "expected a comma or the end here"
		at       = "expected @ and a rate, as in 10s@50"
		length   = "a duration is more than 0 and at most 24h"
	)
	for _, test := range []struct{ text, problem, mark string }{
		{"", duration, "^"},
		{"fast", duration, "^"},
		{"10@50", duration, "^"},
		{"10s", at, "   ^"},
		{"10s@", rate, "    ^"},
		{"10s@fast", rate, "    ^"},
		{"10s@-1", rate, "    ^"},
		{"10s@.5", rate, "    ^"},
		{"10s@1e3", ends, "     ^"},
		{"10s@50.", ends, "      ^"},
		{"10s@50..", rate, "        ^"},
		{"10s@50...300", rate, "        ^"},
		{"10s@100001", bounds, "    ^"},
		{"10s@1..999999999999", bounds, "       ^"},
		{"10s@50,10s@50..300,", duration, "                   ^"},
		{"10s@50, 10s@x", rate, "            ^"},
		{"10s@50 10s@50", ends, "       ^"},
		{"10s@50;10s@50", ends, "      ^"},
		{"10s@50,0s@50", length, "       ^"},
		{"10s@50,-1s@50", length, "       ^"},
		{"25h@50", length, "^"},
		{"13h@50,13h@50", "the plan takes more than 24h", "       ^"},
		{"1s@0.5", "the plan asks for no request at all", "^"},
		{"10s@50,ééé\n", duration, "       ^"},
		{"é", duration, "^"},
		{strings.Repeat("1s@1,", 1000) + "1s@1", "the plan has 1001 segments: 1000 at most", strings.Repeat(" ", 5000) + "^"},
	} {
		plan, err := ParsePlan(test.text)
		if err == nil {
			t.Errorf("%q is taken for %v", test.text, plan)
			continue
		}
		shown := strings.ReplaceAll(test.text, "\n", "?")
		if want := "load plan: " + test.problem + "\n  " + shown + "\n  " + test.mark; err.Error() != want {
			t.Errorf("%q:\n%v\nwant\n%s", test.text, err, want)
		}
	}
}

func FuzzParsePlan(f *testing.F) {
	for _, text := range []string{"10s@50", "10s@50,10s@50..300", "1m@0.5..2", "1ns@100000", "1s@1.", " 1h@0..0.001 ,", "9s@é"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := ParsePlan(text)
		if err != nil {
			if !strings.Contains(err.Error(), "^") {
				t.Fatalf("the error shows no place: %v", err)
			}
			return
		}
		again, err := ParsePlan(plan.String())
		if err != nil {
			t.Fatalf("%q reads, but its String %q does not: %v", text, plan, err)
		}
		if diff := cmp.Diff(plan, again); diff != "" {
			t.Fatalf("%q and its String %q differ:\n%s", text, plan, diff)
		}
	})
}

func TestPlanFigures(t *testing.T) {
	t.Parallel()
	plan := Plan{{10 * time.Second, 50, 50}, {10 * time.Second, 50, 300}, {time.Second, 0, 0}}
	if plan.Duration() != 21*time.Second || plan.Count() != 500+1750 {
		t.Errorf("%v takes %v and asks for %d", plan, plan.Duration(), plan.Count())
	}
	for at, want := range map[time.Duration]float64{
		-1: 0, 0: 50, 5 * time.Second: 50, 10 * time.Second: 50, 15 * time.Second: 175,
		20 * time.Second: 0, 30 * time.Second: 0,
	} {
		if got := plan.RateAt(at); got != want {
			t.Errorf("rate at %v is %v, want %v", at, got, want)
		}
	}
	if got := (Plan{{time.Second, 3, 3}}).Count(); got != 3 {
		t.Errorf("3 for a second are %d", got)
	}
	// As floating-point numbers, the rates and the durations fall short of 3.
	thirds := Plan{{100 * time.Millisecond, 10, 10}, {200 * time.Millisecond, 10, 10}}
	if got := thirds.Count(); got != 3 || len(slices.Collect(thirds.Arrivals())) != 3 {
		t.Errorf("%v asks for %d", thirds, got)
	}
}

func TestArrivalsOfHeldAndLinearRates(t *testing.T) {
	t.Parallel()
	ms := func(ms ...float64) (d []time.Duration) {
		for _, m := range ms {
			d = append(d, time.Duration(math.Round(m*1e6)))
		}
		return d
	}
	for _, test := range []struct {
		plan string
		want []time.Duration
	}{
		{"1s@4", ms(250, 500, 750, 1000)},
		// t²·2 = n
		{"1s@0..4", ms(1000*math.Sqrt(0.5), 1000)},
		{"1s@4..0", ms(1000*(1-math.Sqrt(0.5)), 1000)},
		// What the first segment left over counts in the second.
		{"1s@1.5,1s@1.5", ms(1000/1.5, 2000/1.5, 2000)},
		{"1s@1,10s@0,1s@1", ms(1000, 12000)},
	} {
		plan, err := ParsePlan(test.plan)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, slices.Collect(plan.Arrivals())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.plan, diff)
		}
	}
}

// randomPlan is small enough to look at every arrival.
func randomPlan(r *rand.Rand) Plan {
	plan := make(Plan, 1+r.IntN(6))
	rate := func() float64 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return float64(r.IntN(100))
		case 2:
			return math.Round(r.Float64()*1000) / 100
		default:
			return math.Pow(10, r.Float64()*8-4)
		}
	}
	for i := range plan {
		plan[i] = Segment{Duration: time.Duration(1 + r.Int64N(int64(time.Second))), From: rate()}
		if plan[i].To = plan[i].From; r.IntN(3) > 0 {
			plan[i].To = rate()
		}
	}
	return plan
}

// integral of the rate up to t.
func integral(p Plan, t time.Duration) (sum float64) {
	for _, s := range p {
		part := min(t, s.Duration).Seconds()
		k := (s.To - s.From) / s.Duration.Seconds()
		sum += s.From*part + k*part*part/2
		if t -= s.Duration; t <= 0 {
			break
		}
	}
	return sum
}

func TestArrivalsFollowTheIntegral(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		plan := randomPlan(r)
		n, last := 0, time.Duration(0)
		for at := range plan.Arrivals() {
			n++
			if at < last || at > plan.Duration() {
				t.Fatalf("%v: arrival %d at %v, after one at %v, of %v", plan, n, at, last, plan.Duration())
			}
			// Times are rounded to nanoseconds, in which the integral grows by less than this.
			if got := integral(plan, at); math.Abs(got-float64(n)) > 2*slack {
				t.Fatalf("%v: at arrival %d, %v, the integral is %v", plan, n, at, got)
			}
			last = at
		}
		if n != plan.Count() || math.Abs(integral(plan, plan.Duration())-float64(n)-0.5) > 0.5+2*slack {
			t.Fatalf("%v: %d arrivals, Count says %d, the integral %v", plan, n, plan.Count(), integral(plan, plan.Duration()))
		}
	}
}

func TestArrivalsNeverDrift(t *testing.T) {
	t.Parallel()
	plan := Plan{{time.Hour, 333, 333}}
	n := 0
	for at := range plan.Arrivals() {
		n++
		if exact := time.Duration(math.Round(float64(n) * 1e9 / 333)); (at - exact).Abs() > 1 {
			t.Fatalf("arrival %d is at %v, want %v", n, at, exact)
		}
	}
	if n != 333*3600 {
		t.Fatalf("%d arrivals", n)
	}
}

func TestPlanValidate(t *testing.T) {
	t.Parallel()
	for _, plan := range []Plan{
		nil,
		{{time.Second, math.NaN(), 1}},
		{{time.Second, 1, math.Inf(1)}},
		{{time.Second, -1, 1}},
		{{0, 1, 1}},
		{{MaxDuration, 1, 1}, {1, 1, 1}},
	} {
		if plan.Validate() == nil {
			t.Errorf("%v is valid", plan)
		}
	}
}

func BenchmarkArrivals(b *testing.B) {
	plan := Plan{{time.Hour, 50, 300}}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range plan.Arrivals() {
			if n++; n == 1000 {
				break
			}
		}
	}
}
