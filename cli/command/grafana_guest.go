package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/monitor"
)

// A guest is up in a Grafana that runs already, and goes on without it.
type guest struct {
	to          monitor.Target
	name, group string // of the data source, and of the alert rules
	alerts      bool   // they are there
}

func newGuest(app, address string) *guest {
	return &guest{
		to: monitor.Target{URL: address, Token: grafanaAccess(), Client: &http.Client{Timeout: pushTimeout},
			Source: dashboard.Dashboard{Title: "Ephor laptop " + app}.UID()},
		name: "Ephor: " + app + " on this machine", group: app + " on this machine",
	}
}

// reach looks whether it is there and lets up in, before anything is made for it to show.
func (g *guest) reach(ctx context.Context) error {
	if err := monitor.Reach(ctx, g.to); err != nil {
		return grafanaTrouble(fmt.Errorf("looking for the Grafana at %s: %w", g.to.URL, err))
	}
	return nil
}

func (g *guest) show(ctx context.Context, v monitor.View, store string) ([]string, error) {
	fails := func(err error) error {
		err = fmt.Errorf("showing the dashboards in the Grafana at %s: %w", g.to.URL, err)
		var source *monitor.SourceError
		if errors.As(err, &source) {
			return hinted(err, "a Grafana that runs on this machine itself, or in a container that has its network: docker run --network host")
		}
		return grafanaTrouble(err)
	}
	if err := monitor.PushSource(ctx, g.to, g.name, store); err != nil {
		return nil, fails(err)
	}
	at, err := monitor.Push(ctx, g.to, v.Boards)
	if err != nil {
		return nil, fails(err)
	}
	if len(v.Rules) > 0 {
		err = monitor.PushAlerts(ctx, g.to, g.group, v.Rules)
		var others *monitor.GroupTakenError
		g.alerts = g.alerts || !errors.As(err, &others) // what failed otherwise may have put them there
	}
	if err != nil {
		return nil, fails(err)
	}
	return at, nil
}

func (g *guest) keep(context.Context) {}

// close takes the alert rules away, which would tell of a store that has gone. Dashboards and data source stay for the next time.
func (g *guest) close(ctx context.Context) error {
	if !g.alerts {
		return nil
	}
	if err := monitor.DropAlerts(ctx, g.to, g.group); err != nil {
		return grafanaTrouble(fmt.Errorf("the alert rules stay in the Grafana at %s: %w", g.to.URL, err))
	}
	return nil
}
