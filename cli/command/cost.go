package command

import (
	"context"
	"maps"
	"strings"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// noteCost adds what the monitoring host costs a month to its stack's plan, with the parameters that the
// stack has and those that are given now.
func (p *program) noteCost(ctx context.Context, d *deploying, plans []*deploy.Plan, given map[string]string) error {
	g, ok := p.app.Monitoring()
	if !ok {
		return nil
	}
	for _, plan := range plans {
		if plan.Stack != g.Stack || plan.Action == deploy.ActionDelete {
			continue
		}
		s, err := d.State(ctx, g.Stack)
		if err != nil {
			return err
		}
		values := maps.Clone(s.Parameters)
		if values == nil {
			values = map[string]string{}
		}
		maps.Copy(values, given)
		cost, err := monitor.CostOf(g, values)
		if err != nil {
			return err
		}
		plan.Note = strings.TrimPrefix(plan.Note+"; on AWS its host costs "+cost.String(), "; ")
	}
	return nil
}
