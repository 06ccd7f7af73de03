package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Counts are requests. Asked = OK + Failed, once all is over; Asked − Sent were never sent.
type Counts struct {
	// Asked is what the plan asked for.
	Asked int64 `json:"asked"`
	// Sent is what a connection was taken or opened for.
	Sent int64 `json:"sent"`
	// OK was answered with a status of 200 to 299 and a whole body.
	OK int64 `json:"ok"`
	// Failed is the rest, whether sent or not.
	Failed int64 `json:"failed"`
}

// Times are percentiles in milliseconds, to three significant digits.
type Times struct {
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Max  float64 `json:"max_ms"`
}

// Measures are what is measured of some requests.
type Measures struct {
	Counts
	// Times are those of the response, from the intended start to the end of the answer, or
	// until it failed or was given up, sent or not. Only what was turned away because too
	// many were waiting has none.
	Times
	// Service is from the sending to the end of the answer, or until it failed.
	Service Times `json:"service"`
	// Lag is from the intended start to the sending.
	Lag Times `json:"lag"`
	// Reasons count the failed: "status 502", "timeout", "connection refused", …
	Reasons map[string]int64 `json:"reasons,omitempty"`
}

// Report is what a whole run came to.
type Report struct {
	Measures
	// FirstFailure is what the first request that failed has to say, or "".
	FirstFailure string `json:"first_failure,omitempty"`
	// Seconds is how long the run took, with the wait for the last answers.
	Seconds float64 `json:"seconds"`
	// Interrupted says that the context ended before the plan.
	Interrupted bool `json:"interrupted,omitempty"`
	// Targets are the same by target, if there are several, in the order of the Config.
	Targets []TargetReport `json:"targets,omitempty"`
	// Points went to the store.
	Points Points `json:"points"`
}

// TargetReport is what a whole run came to for one target.
type TargetReport struct {
	Target string `json:"target"`
	Measures
}

// Points are points of the measurement `load`.
type Points struct {
	Written int64 `json:"written"`
	// Lost could not be written, whatever was tried.
	Lost int64 `json:"lost"`
}

// Second is what one second brought to one target. Requests are counted when they happen: one
// that was asked for in this second may be answered, and then counted as OK, in the next.
// Summed up, the seconds of a run make its report.
type Second struct {
	Target string
	// Start is the beginning of the second, on the wall clock.
	Start time.Time
	// Length is a second, less at the end of a run, more on a machine that stood still.
	Length time.Duration
	Measures
	// Flying are the requests under way at its end; Waiting are those that wait for a connection.
	Flying, Waiting int
}

// StoreTrouble says that points cannot be written. It comes once for each time that writing begins
// to fail; the report tells how many points were lost.
type StoreTrouble struct{ Err error }

// A clocking collects times in microseconds: up to an hour, more counts as that.
type clocking struct{ h *hdrhistogram.Histogram }

const longest = time.Hour

func newClocking() clocking {
	return clocking{hdrhistogram.New(1, longest.Microseconds(), 3)}
}

func (c clocking) add(d time.Duration) {
	// It fails for nothing within its range.
	_ = c.h.RecordValue(min(max(d, 0), longest).Microseconds())
}

func (c clocking) times() Times {
	if c.h.TotalCount() == 0 {
		return Times{}
	}
	at := func(q float64) float64 { return float64(c.h.ValueAtQuantile(q)) / 1000 }
	return Times{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(c.h.Max()) / 1000}
}
