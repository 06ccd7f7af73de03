package command

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ephor-io/ephor/internal/grafana"
	"github.com/ephor-io/ephor/monitor"
)

// ownGrafana is a Grafana that up runs, and that ends with it.
type ownGrafana struct {
	s      *session
	config grafana.Config

	mu      sync.Mutex
	running *grafana.Server // nil until it is shown something, and while it is down
}

func (g *ownGrafana) show(ctx context.Context, v monitor.View, store string) ([]string, error) {
	files, err := v.Provisioning(grafana.ProvisioningFolder(g.config.Dir), store)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.config.Provisioning == nil
	g.config.Provisioning = files
	switch {
	case g.running != nil:
		err = g.running.Provide(ctx, files)
	case first:
		g.s.terminal.sayf("starting Grafana %s", g.config.Program.Version)
		err = g.start(ctx)
	default:
		err = errors.New("it stays down until up is started again")
	}
	var taken *grafana.PortTakenError
	if errors.As(err, &taken) {
		return nil, hinted(err, "another port, or leave the flag out: the next free one is found then")
	}
	if err != nil {
		return nil, fmt.Errorf("showing the dashboards in Grafana: %w", err)
	}
	var at []string
	for _, b := range v.Boards {
		at = append(at, g.running.URL()+"/d/"+b.UID+"/"+b.UID)
	}
	return at, nil
}

// start starts it. The port stays its own from then on, so that it is where it was when it starts again.
func (g *ownGrafana) start(ctx context.Context) error {
	running, err := grafana.Start(ctx, g.config)
	if err != nil {
		return err
	}
	g.running, g.config.Port, g.config.Fixed = running, running.Port(), true
	return nil
}

// grafanaStarts is how often a Grafana that has ended by itself is started again.
const grafanaStarts = 3

// keep starts it again when it ends, and tells of it.
func (g *ownGrafana) keep(ctx context.Context) {
	for starts := 0; ; starts++ {
		g.mu.Lock()
		running := g.running
		g.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-running.Ended():
		}
		if ctx.Err() != nil {
			return
		}
		g.mu.Lock()
		err := running.Err()
		running.Close()
		g.running = nil
		if starts == grafanaStarts {
			g.s.terminal.sayf("%v; it has ended %d times, and stays down until up is started again", err, starts+1)
		} else {
			g.s.terminal.sayf("%v; it is started again", err)
			if err = g.start(ctx); err != nil && ctx.Err() == nil {
				g.s.terminal.sayf("Grafana stays down until up is started again: %v", err)
			}
		}
		down := g.running == nil
		g.mu.Unlock()
		if down {
			return
		}
	}
}

func (g *ownGrafana) close(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running != nil {
		g.running.Close()
		g.running = nil
	}
	return nil
}
