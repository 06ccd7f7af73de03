package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ephor-io/ephor/load"
)

// onceReport is what `up --once` ends with.
type onceReport struct {
	addresses
	Load         loadFigures  `json:"load"`
	Invocations  int64        `json:"invocations"` // as the Lambda service counted them
	Recorded     int64        `json:"recorded"`    // invocation points that the store has
	Environments environments `json:"environments"`
	Freshness    quantiles    `json:"freshness_ms"`
}

// loadFigures are the part of a load.Report that stays the same over time.
type loadFigures struct {
	load.Counts
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

type environments struct {
	Started int64 `json:"started"`
	Peak    int   `json:"peak"`
}

type quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// After the load, the last points may take this long to arrive. An environment whose last flush
// failed is frozen with what it could not deliver, and nothing would thaw it any more: after
// spinDownAfter the environments are shut down, as Lambda does later, which gives each its last
// flush.
const (
	spinDownAfter = 2 * time.Second
	settleTime    = 10 * time.Second
)

// once runs the plan, waits until everything is recorded, and reports whether it adds up.
func (s *session) once(ctx context.Context, plan load.Plan, target string) error {
	at := &store{url: s.addresses.Store, database: storeDatabase, client: s.client}
	fresh := newFreshness(at, s.started)
	polling, stop := context.WithCancel(ctx)
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		fresh.run(polling)
	}()
	result, err := s.load(ctx, plan, target)
	if err == nil && result.Interrupted {
		err = fmt.Errorf("the load was interrupted after %d of %d requests", result.Asked, plan.Count())
	}
	recorded := int64(0)
	if err == nil {
		recorded, err = s.settled(ctx, at)
	}
	stop()
	<-polled
	if err == nil {
		err = fresh.finish(ctx)
	}
	if err != nil {
		return err
	}
	total := s.lambdaStatus().total()
	r := onceReport{
		addresses: s.addresses, Load: loadFigures{result.Counts, result.P50, result.P99}, Invocations: total.Invocations, Recorded: recorded,
		Environments: environments{Started: total.Started, Peak: total.Peak},
		Freshness:    quantiles{P50: fresh.quantile(50), P99: fresh.quantile(99)},
	}
	if err := r.print(s); err != nil {
		return err
	}
	return r.check(plan)
}

func recordedSince(t time.Time) string {
	return fmt.Sprintf(`SELECT count("duration_ms") FROM "invocation" WHERE time >= %d`, t.UnixNano())
}

// settled waits until the store has every invocation that the Lambda service counted, or until it
// will not get there any more, and returns how many it has.
func (s *session) settled(ctx context.Context, at *store) (int64, error) {
	start := time.Now()
	for {
		recorded, err := at.number(ctx, recordedSince(s.started))
		if err != nil {
			return 0, err
		}
		t := s.lambdaStatus().total()
		if recorded >= t.Invocations && t.Busy == 0 || time.Since(start) > settleTime {
			return recorded, nil
		}
		if time.Since(start) > spinDownAfter {
			s.running.Load().Lambda().SpinDown()
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// check is the expectation of `--once`: every request was sent and answered, every one was an
// invocation, and every invocation is recorded.
func (r onceReport) check(plan load.Plan) error {
	var off []string
	expect := func(what string, got, want int64) {
		if got != want {
			off = append(off, fmt.Sprintf("%s %d instead of %d", what, got, want))
		}
	}
	expect("asked for", r.Load.Asked, int64(plan.Count()))
	expect("sent", r.Load.Sent, r.Load.Asked)
	expect("answered ok", r.Load.OK, r.Load.Sent)
	expect("invocations", r.Invocations, r.Load.Sent)
	expect("recorded", r.Recorded, r.Invocations)
	if len(off) == 0 {
		return nil
	}
	return &Error{Status: statusUnexpected, Err: fmt.Errorf("it does not add up: %s", strings.Join(off, ", ")),
		Hint: "what failed is said above; what the functions wrote is in their logs"}
}

func (r onceReport) print(s *session) error {
	if s.json {
		e := json.NewEncoder(s.program.stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := fmt.Fprintf(s.program.stdout, `load          %d asked, %d sent, %d ok, %d failed; p50 %.1f ms, p99 %.1f ms
invocations   %d
recorded      %d
environments  %d started, %d at most at a time
freshness     p50 %.0f ms, p99 %.0f ms, from an invocation's end until a query shows it
`, r.Load.Asked, r.Load.Sent, r.Load.OK, r.Load.Failed, r.Load.P50, r.Load.P99,
		r.Invocations, r.Recorded, r.Environments.Started, r.Environments.Peak, r.Freshness.P50, r.Freshness.P99)
	return err
}
