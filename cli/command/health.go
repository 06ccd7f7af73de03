package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// health is how the monitoring host is: its machine by EC2, and what answers of it from here.
type health struct {
	// Verdict is healthy, unhealthy or, where too little can be seen from here, unknown.
	Verdict string `json:"verdict"`
	// Why is what makes it unhealthy or unknown.
	Why     string        `json:"why,omitempty"`
	Machine machineHealth `json:"machine"`
	Grafana *entrance     `json:"grafana,omitempty"` // not on the laptop, whose page is in its place
	Store   *entrance     `json:"store,omitempty"`
	// Backup is the last one of the store. On the laptop none is made.
	Backup *entrance `json:"backup,omitempty"`
}

const (
	healthy   = "healthy"
	unhealthy = "unhealthy"
	unknown   = "unknown"
)

// askHealth asks EC2 and both entrances of the host of a monitoring stack, all at once.
func askHealth(ctx context.Context, config aws.Config, d *deploy.Deployer, t target, monitoring deploy.State, laptop addresses) *health {
	var h health
	var asking sync.WaitGroup
	asking.Go(func() { h.Machine = askMachine(ctx, config, d, monitoring.Name) })
	if t.name == targetAWS {
		asking.Go(func() { h.Backup = askBackups(ctx, config, monitoring, time.Now()) })
	}
	if t.name == targetLaptop {
		asking.Go(func() { h.Store = askStore(ctx, &http.Client{}, laptop.Store, "the laptop's own") })
	} else if s, err := storeOf(monitoring.Outputs); err != nil {
		h.Store = &entrance{Verdict: unknown, Says: err.Error()}
	} else {
		letsIn := func(parameter string) string {
			return "its port lets in " + parameter + "=" + cmp.Or(monitoring.Parameters[parameter], "nobody")
		}
		asking.Go(func() {
			h.Grafana = askGrafana(ctx, s.client, monitoring.Outputs["GrafanaURL"], letsIn(monitor.ParamAllowed))
		})
		asking.Go(func() {
			h.Store = askStore(ctx, s.client, monitoring.Outputs["StoreURL"], letsIn(monitor.ParamWriters))
		})
	}
	asking.Wait()
	h.judge()
	return &h
}

// judge makes one verdict of all: what is wrong anywhere comes first, then what could not be seen.
func (h *health) judge() {
	machine, why := h.Machine.verdict()
	parts := []struct{ verdict, why string }{{machine, why}}
	for name, d := range map[string]*entrance{"Grafana": h.Grafana, "the store": h.Store, "the last backup": h.Backup} {
		if d != nil {
			parts = append(parts, struct{ verdict, why string }{d.Verdict, name + " " + d.Says})
		}
	}
	h.Verdict, h.Why = healthy, ""
	for _, verdict := range []string{unknown, unhealthy} {
		for _, p := range parts {
			if p.verdict == verdict && (h.Verdict != verdict || p.why < h.Why) {
				h.Verdict, h.Why = verdict, p.why
			}
		}
	}
}

func (h *health) print(t io.Writer) {
	fmt.Fprintf(t, "\nmonitoring host: %s", h.Verdict)
	if h.Why != "" {
		fmt.Fprintf(t, " (%s)", h.Why)
	}
	fmt.Fprintf(t, "\n  machine\t%s\n", h.Machine)
	for _, d := range []struct {
		name string
		*entrance
	}{{"Grafana", h.Grafana}, {"store", h.Store}, {"backup", h.Backup}} {
		if d.entrance != nil {
			fmt.Fprintf(t, "  %s\t%s\n", d.name, d.Says)
		}
	}
}
