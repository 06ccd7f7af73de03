package command

import (
	"context"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// hosted is the monitoring that has a stack of its own where t says. An application with a store of its own has that
// on the laptop, whose store and page stand in for it and its Grafana, and nowhere else.
func hosted(app *ephor.App, t target) (ephor.Grafana, bool) {
	g, ok := app.Monitoring()
	if _, own := app.Store(); own && t.name != targetLaptop {
		return ephor.Grafana{}, false
	}
	return g, ok
}

// monitoringHooks are what monitors the application where t says; ok is false if nothing does.
func monitoringHooks(app *ephor.App, t target, values monitor.Values) (hooks ephor.Hooks, ok bool) {
	if g, ok := hosted(app, t); ok {
		return monitor.Hooks(g, values), true
	}
	g, ok := app.Monitoring()
	s, _ := app.Store()
	return monitor.StoreHooks(g, s), ok
}

// valuesOf are the values of the monitoring stack's parameters where t says: those that are given, and what the stack has.
func valuesOf(ctx context.Context, d *deploy.Deployer, app *ephor.App, t target, given map[string]string) (monitor.Values, error) {
	g, ok := hosted(app, t)
	if !ok {
		return monitor.Values{}, nil
	}
	s, err := d.State(ctx, g.Stack)
	return monitor.Values{Given: given, Kept: s.Kept()}, err
}

// sayStore says, when an application has been provisioned on AWS, where its metrics go, and what an earlier monitoring
// stack of it still costs.
func (p *program) sayStore(ctx context.Context, d *deploying, t target) {
	s, own := p.app.Store()
	if !own {
		return
	}
	d.terminal.sayf("metrics go to %s; the dashboards come into a Grafana by: dashboard --push URL --source UID", s.URL)
	g, _ := p.app.Monitoring()
	state, err := d.State(ctx, g.Stack)
	switch {
	case err != nil:
		d.terminal.sayf("whether there still is a monitoring stack %s could not be asked for: %v", g.Stack, err)
	case state.Status != "":
		d.terminal.sayf("stack %s is no part of the application any more; it stays, with what it costs, until it is deleted:\n  aws cloudformation delete-stack --stack-name %s%s", g.Stack, g.Stack, t.place())
	}
}
