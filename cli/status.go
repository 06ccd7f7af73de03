//go:build !ephor_lambda

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/deploy"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what runs: the stacks with their outputs and exports, the environments, what was recorded",
		RunE:  func(c *cobra.Command, _ []string) error { return p.statusOf(c, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// report is what status tells.
type report struct {
	Addresses addresses      `json:"addresses"`
	Stacks    []deploy.State `json:"stacks"`
	// The rest is told by the monitoring host and not there without one.
	*monitored
}

// monitored is what the monitoring host knows.
type monitored struct {
	// Host says what stands in for the monitoring stack's machine.
	Host string `json:"host"`
	// Lambda is since `up` started; Recorded is how many of those invocations the store has.
	Lambda   lambdaStatus `json:"lambda"`
	Recorded int64        `json:"recorded"`
}

// hostNote is what is not real on a laptop.
const hostNote = "the monitoring stack's EC2 instance is not a machine here: the laptop runs its store and its dashboards itself"

func (p *program) statusOf(c *cobra.Command, asJSON bool) error {
	ctx := c.Context()
	at, err := p.connect(ctx)
	if err != nil {
		return err
	}
	r := report{Addresses: at}
	d := deploy.New(deploy.Config{AWS: laptopAWS(at.Endpoint)})
	g, ok := p.app.Monitoring()
	names := []string{p.app.Name()}
	if ok {
		names = append(names, g.Stack)
	}
	for _, name := range names {
		s, err := d.State(ctx, name)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return p.notRunning()
		}
		if err != nil {
			return err
		}
		r.Stacks = append(r.Stacks, s)
	}
	if ok && r.Stacks[1].Status != "" {
		if r.monitored, err = askHost(ctx, at); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(r)
	}
	return r.print(p.stdout)
}

func askHost(ctx context.Context, at addresses) (*monitored, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	m := &monitored{Host: hostNote}
	var err error
	if m.Lambda, err = fetchStatus(ctx, client, at.Page); err != nil {
		return nil, err
	}
	s := &store{url: at.Store, database: storeDatabase, client: client}
	m.Recorded, err = s.number(ctx, recordedSince(m.Lambda.Since))
	return m, err
}

func fetchStatus(ctx context.Context, client *http.Client, page string) (s lambdaStatus, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page+lambdaPath, nil)
	if err != nil {
		return s, fmt.Errorf("asking for the environments: %w", err)
	}
	response, err := client.Do(r)
	if err != nil {
		return s, fmt.Errorf("asking for the environments: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return s, fmt.Errorf("asking for the environments: %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("asking for the environments: %w", err)
	}
	return s, nil
}

func (r report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.Stacks {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, cmp.Or(s.Status, "does not exist"), s.Reason)
		for _, k := range slices.Sorted(maps.Keys(s.Outputs)) {
			fmt.Fprintf(t, "  %s\t%s\n", k, s.Outputs[k])
		}
		for _, e := range s.Exports {
			fmt.Fprintf(t, "  export %s\t%s\n", e.Name, cmp.Or(strings.Join(e.Importers, ", "), "-"))
		}
	}
	if r.monitored == nil {
		return t.Flush()
	}
	fmt.Fprintf(t, "\nFUNCTION\tINVOCATIONS\tERRORS\tTHROTTLED\tENVIRONMENTS\tBUSY\tPEAK\n")
	for _, f := range r.Lambda.Functions {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", f.Name, f.Invocations, f.Errors, f.Throttles, f.Environments, f.Busy, f.Peak)
	}
	fmt.Fprintf(t, "\nrecorded %d of %d invocations since %s\n", r.Recorded, r.Lambda.total().Invocations, r.Lambda.Since.Format(time.TimeOnly))
	fmt.Fprintf(t, "note: %s\n", r.Host)
	return t.Flush()
}
