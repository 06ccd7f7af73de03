package load

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// Plan says how many requests start when: one segment after the other.
type Plan []Segment

// Segment is a time in which the rate of arrivals is held or changes linearly.
type Segment struct {
	Duration time.Duration
	// From and To are the rates per second at its beginning and its end.
	From, To float64
}

// Bounds of a plan.
const (
	// MaxRate is the highest rate, per second.
	MaxRate = 100_000
	// MaxDuration is the longest duration of a whole plan.
	MaxDuration = 24 * time.Hour
	maxSegments = 1000
)

// Validate reports what is out of bounds, or that the plan asks for no request at all.
func (p Plan) Validate() error {
	if len(p) > maxSegments {
		return fmt.Errorf("the plan has %d segments: %d at most", len(p), maxSegments)
	}
	left := MaxDuration
	for i, s := range p {
		if err := s.validate(); err != nil {
			return fmt.Errorf("segment %d of the plan: %w", i+1, err)
		}
		if left -= s.Duration; left < 0 {
			return errTooLong
		}
	}
	if p.Count() == 0 {
		return errNothing
	}
	return nil
}

var (
	errTooLong = fmt.Errorf("the plan takes more than %v", shorten(MaxDuration))
	errNothing = errors.New("the plan asks for no request at all")
)

func (s Segment) validate() error {
	if s.Duration <= 0 || s.Duration > MaxDuration {
		return fmt.Errorf("a duration is more than 0 and at most %s", shorten(MaxDuration))
	}
	for _, r := range []float64{s.From, s.To} {
		if !(r >= 0 && r <= MaxRate) { // NaN is neither
			return fmt.Errorf("a rate is between 0 and %d per second", MaxRate)
		}
	}
	return nil
}

// String is the plan as ParsePlan reads it.
func (p Plan) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.String()
	}
	return strings.Join(parts, ",")
}

func (s Segment) String() string {
	text := shorten(s.Duration) + "@" + number(s.From)
	if s.To != s.From {
		text += ".." + number(s.To)
	}
	return text
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// shorten is the duration without the units of which there are none: 1m, not 1m0s.
func shorten(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Duration is how long the plan takes.
func (p Plan) Duration() (d time.Duration) {
	for _, s := range p {
		d += s.Duration
	}
	return d
}

// RateAt is the rate at a time after the plan's start, per second. Where one segment ends and
// the next begins the next one holds; before the start and from the end on it is 0.
func (p Plan) RateAt(t time.Duration) float64 {
	if t < 0 {
		return 0
	}
	for _, s := range p {
		if t < s.Duration {
			return s.From + (s.To-s.From)*(t.Seconds()/s.Duration.Seconds())
		}
		t -= s.Duration
	}
	return 0
}

// slack is what an integral may miss a whole number by and still reach it: sums such as
// 0.1 + 0.2 must not cost the last arrival of a plan.
const slack = 1e-4

// Count is how many requests the plan asks for: the integral of the rate, rounded down.
func (p Plan) Count() int {
	sum := 0.0
	for _, s := range p {
		sum += s.integral()
	}
	return int(sum + slack)
}

// Arrivals yields when requests start, counted from the plan's start: the n-th, n = 1, 2, …,
// when the integral of the rate reaches n. Each is computed from n itself and the beginning of
// its segment, never from the one before, so errors do not add up.
func (p Plan) Arrivals() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		var start time.Duration
		sum, n := 0.0, 1.0
		for _, s := range p {
			end := sum + s.integral()
			for ; n <= end+slack; n++ {
				if !yield(start + s.reaches(n-sum)) {
					return
				}
			}
			start, sum = start+s.Duration, end
		}
	}
}

func (s Segment) integral() float64 { return (s.From + s.To) / 2 * s.Duration.Seconds() }

// reaches is the time after the segment's beginning at which the integral of its rate is m.
//
//	rate                        With the slope k = (To − From) / Duration
//	 To ┤          ╱            the integral up to t is
//	    │       ╱▒▒
//	    │    ╱▒▒▒▒▒                m = From·t + k·t²/2
//	From┤ ╱▒▒▒▒▒▒▒▒
//	    │ ▒▒▒ m ▒▒▒             and hence, in a form that neither divides by a k of 0
//	    └─┬────────┬─▶          nor subtracts two numbers of the same size,
//	      0        t
//	                               t = 2m / (From + √(From² + 2·k·m))
//
// The root is the rate at t, so a rate that falls to 0 needs care only for rounding.
func (s Segment) reaches(m float64) time.Duration {
	k := (s.To - s.From) / s.Duration.Seconds()
	t := 2 * m / (s.From + math.Sqrt(max(0, s.From*s.From+2*k*m)))
	return min(time.Duration(math.Round(t*float64(time.Second))), s.Duration)
}
