package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/load"
)

// load sends what the plan asks for and tells how it went.
func (s *session) load(ctx context.Context, plan load.Plan, given string) (load.Report, error) {
	c, err := s.loadOf(plan, given)
	if err != nil {
		return load.Report{}, err
	}
	return s.send(ctx, c)
}

// loadOf is the load that the plan asks for. Its points go to the store, so that the dashboard shows what was
// asked beside what was done.
func (s *session) loadOf(plan load.Plan, given string) (load.Config, error) {
	target, err := s.target(given)
	if err != nil {
		return load.Config{}, err
	}
	c := load.Config{
		Plan:    plan,
		Targets: []load.Target{{URL: target}},
		// An API Gateway takes what comes; so does the load.
		MaxConnections: 1000,
		Events: func(e load.Event) {
			if trouble, ok := e.(load.StoreTrouble); ok {
				s.terminal.sayf("the load's own figures could not be written to the store: %v", trouble.Err)
			}
		},
	}
	if s.current.Load().Monitoring != "" {
		c.Store = load.Store{URL: s.addresses.Store, Database: storeDatabase}
	}
	return c, nil
}

// send runs a load.
func (s *session) send(ctx context.Context, c load.Config) (load.Report, error) {
	s.terminal.sayf("load: %s to %s, %d in %s", c.Plan, c.Targets[0].URL, c.Plan.Count(), short(c.Plan.Duration()))
	r, err := load.Run(ctx, c)
	if err != nil {
		return r, fmt.Errorf("load: %w", err)
	}
	s.terminal.sayf("load done: %d asked, %d sent, %d ok, %d failed; response p50 %.1f ms, p99 %.1f ms",
		r.Asked, r.Sent, r.OK, r.Failed, r.P50, r.P99)
	if r.Failed > 0 {
		var reasons []string
		for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
			reasons = append(reasons, fmt.Sprintf("%s: %d", reason, r.Reasons[reason]))
		}
		s.terminal.sayf("  failed: %s\n  the first: %s", strings.Join(reasons, ", "), r.FirstFailure)
	}
	return r, nil
}
