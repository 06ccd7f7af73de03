package command

import (
	"strings"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// noteCost adds what the monitoring host costs a month to its stack's plan, with the parameters that the
// stack has and those that are given now.
func (p *program) noteCost(plans []*deploy.Plan, values monitor.Values) error {
	g, ok := p.app.Monitoring()
	if !ok {
		return nil
	}
	for _, plan := range plans {
		if plan.Stack != g.Stack || plan.Action == deploy.ActionDelete {
			continue
		}
		cost, err := monitor.CostOf(g, values)
		if err != nil {
			return err
		}
		plan.Note = strings.TrimPrefix(plan.Note+"; on AWS its host costs "+cost.String(), "; ")
	}
	return nil
}
