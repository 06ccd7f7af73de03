package command

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
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/loss"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON, drift bool
	var since string
	var where target
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what runs: the stacks with their outputs and exports, the environments, what was recorded",
		Long: `status shows the stacks with their outputs, exports and who imports them, the functions with their
environments, and whether every invocation is in the store. Where one is not, or other points of an
environment are lost, it says which environment's they were and what is known of the reason. Of the
monitoring host it tells whether EC2 finds its machine well, whether Grafana and the store answer, and
how old the last backup is.

With --target aws it also asks CloudWatch how often Lambda invoked the functions, and reads the store
that the monitoring stack tells the address of, or the application's own, as the user that
EPHOR_STORE_TOKEN names, or with that token. Where the store does not answer, all else is told and the
exit status is 1. With --drift CloudFormation compares the stacks with their templates first, which
takes up to some minutes.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := where.check(c); err != nil {
				return err
			}
			return p.statusOf(c, where, since, drift, asJSON)
		},
	}
	c.Flags().StringVar(&since, "since", "", "account for the invocations of this last `duration`, as in 10m, 2h or 7d (default: since up started; 1h on AWS)")
	c.Flags().BoolVar(&drift, "drift", false, "tell what of the stacks was changed past CloudFormation, on AWS")
	where.flag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// report is what status tells.
type report struct {
	Addresses addresses      `json:"addresses"`
	Stacks    []deploy.State `json:"stacks"`
	// Lambda is what the laptop's Lambda has counted since `up` started.
	Lambda *lambdaStatus `json:"lambda,omitempty"`
	// The rest is told by the monitoring host and not there without one.
	*monitored
	// Health is the monitoring host's; without one it is not there.
	Health *health `json:"health,omitempty"`
	// CloudWatch is what it counted, on AWS alone.
	CloudWatch *counted `json:"cloudwatch,omitempty"`
	// Unaccounted says why what was recorded is not told, or not all of it.
	Unaccounted *unaccounted `json:"unaccounted,omitempty"`
}

// unaccounted is a reason and, where there is one, a remedy.
type unaccounted struct {
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// monitored is what the monitoring host knows.
type monitored struct {
	// Host says what stands in for the monitoring stack's machine.
	Host string `json:"host,omitempty"`
	// Since begins the period that is accounted for.
	Since time.Time `json:"since"`
	loss.Report
}

// unnamed is how many lost invocations no environment's log tells of, as after a full disk.
func (m *monitored) unnamed() int64 {
	n := m.Served - m.Recorded
	for _, l := range m.Losses {
		n -= l.Lost()
	}
	return n
}

// hostNote is what is not real on a laptop.
const hostNote = "the monitoring stack's EC2 instance is not a machine here: the laptop runs its store and its dashboards itself"

func (p *program) statusOf(c *cobra.Command, where target, since string, drift, asJSON bool) error {
	var from time.Time
	if since != "" {
		d, err := parseSince(since)
		if err == nil && d < time.Second {
			err = fmt.Errorf("%s is no period in which anything could be counted: it is one as in 30s, 10m, 2h or 7d", since)
		}
		if err != nil {
			return usage(c, fmt.Errorf("--since: %w", err))
		}
		from = time.Now().Add(-d)
	}
	ctx := c.Context()
	var r report
	var config aws.Config
	var err error
	if where.name == targetAWS {
		config, err = p.config(ctx, where)
	} else if r.Addresses, err = p.connect(ctx); err == nil {
		config = laptopAWS(r.Addresses.Endpoint)
	}
	if err != nil {
		return err
	}
	d := deploy.New(deploy.Config{AWS: config})
	g, ok := hosted(p.app, where)
	lower, err := p.lower(ctx, where)
	if err != nil {
		return err
	}
	var monitoring deploy.State
	for _, name := range append([]string{p.app.Name()}, lower...) {
		s, err := d.State(ctx, name)
		if err != nil {
			return p.reached(where, err)
		}
		r.Stacks = append(r.Stacks, s)
		if ok && name == g.Stack {
			monitoring = s
		}
	}
	if where.name == targetLaptop {
		if r.Lambda, err = fetchStatus(ctx, &http.Client{Timeout: 5 * time.Second}, r.Addresses.Page); err != nil {
			return err
		}
	}
	if drift {
		if err := p.askDrift(ctx, d, where, r.Stacks); err != nil {
			return err
		}
	}
	var unasked error // why the store or CloudWatch did not tell: what else there is is told all the same
	own, hasOwn := p.app.Store()
	switch {
	case where.name == targetAWS && hasOwn && r.Stacks[0].Status != "":
		unasked = p.accountInStore(ctx, config, where, from, own, &r)
	case monitoring.Status == "":
	case where.name == targetAWS && monitoring.Outputs["StoreURL"] == "":
		r.Health = askHealth(ctx, config, d, where, monitoring, r.Addresses)
		r.Unaccounted = &unaccounted{Reason: fmt.Sprintf("stack %s is %s and tells no address of a store yet, so what was recorded is not known", monitoring.Name, monitoring.Status)}
	default:
		r.Health = askHealth(ctx, config, d, where, monitoring, r.Addresses)
		if where.name == targetAWS {
			unasked = p.accountOnHost(ctx, config, where, from, monitoring, &r)
		} else {
			r.monitored, unasked = p.askHost(ctx, r.Addresses, r.Lambda, from)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if unasked != nil && asJSON { // for people it is the error that the command ends with
		r.Unaccounted = &unaccounted{Reason: unasked.Error()}
		var e *Error
		if errors.As(unasked, &e) {
			r.Unaccounted.Hint = e.Hint
		}
	}
	if asJSON {
		err = json.NewEncoder(p.stdout).Encode(r)
	} else {
		err = r.print(p.stdout)
	}
	return cmp.Or(unasked, err)
}

// askHost asks the monitoring host and accounts for what was invoked since from; zero is since up
// started, of which counted tells.
func (p *program) askHost(ctx context.Context, at addresses, counted *lambdaStatus, from time.Time) (*monitored, error) {
	m := &monitored{Host: hostNote, Since: from}
	if from.IsZero() {
		m.Since = counted.Since
	}
	period := loss.Period{From: m.Since}
	served, err := p.served(ctx, laptopAWS(at.Endpoint), target{name: targetLaptop}, period)
	if err != nil {
		return nil, err
	}
	s := &store{url: at.Store, database: storeDatabase, client: &http.Client{Timeout: 5 * time.Second}}
	if m.Report, err = loss.Account(ctx, s.query, period, served); err != nil {
		return nil, err
	}
	if !from.IsZero() {
		return m, nil
	}
	// Since up started the Lambda service itself has counted: logs may be cut off, or have met a full
	// disk, and then tell only of some of what it served.
	stored, err := s.number(ctx, recordedSince(m.Since))
	if err != nil {
		return nil, err
	}
	total := counted.total()
	m.Served = total.Invocations - int64(total.Busy)
	m.Recorded = min(stored, m.Served)
	return m, nil
}

func fetchStatus(ctx context.Context, client *http.Client, page string) (*lambdaStatus, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page+lambdaPath, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the environments: %w", err)
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking for the environments: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking for the environments: %s", response.Status)
	}
	s := &lambdaStatus{}
	if err := json.NewDecoder(response.Body).Decode(s); err != nil {
		return nil, fmt.Errorf("asking for the environments: %w", err)
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
		if s.Drift != nil {
			printDrift(t, s.Drift)
		}
	}
	if r.Lambda != nil {
		r.Lambda.print(t)
	}
	if r.Health != nil {
		r.Health.print(t)
	}
	if r.Unaccounted != nil {
		fmt.Fprintf(t, "\nnote: %s\n", r.Unaccounted.Reason)
	}
	if r.monitored == nil {
		return t.Flush()
	}
	fmt.Fprintf(t, "\nrecorded %d of %d invocations since %s\n", r.Recorded, r.Served, since(r.Since))
	for i, l := range r.Losses {
		if i == mostLosses {
			fmt.Fprintf(t, "  and %d environments more (--json has all)\n", len(r.Losses)-i)
			break
		}
		fmt.Fprintf(t, "  %s: %s %s: %s\n", l.What(), l.Function, l.Instance, l.Why())
	}
	if n := r.unnamed(); n > 0 {
		fmt.Fprintf(t, "  %d lost: no log says whose they were; up says what kept logs from being written\n", n)
	}
	if r.CloudWatch != nil {
		r.CloudWatch.print(t)
	} else if r.Host != "" {
		fmt.Fprintf(t, "note: %s\n", r.Host)
	}
	return t.Flush()
}

// print is the table of the functions.
func (s lambdaStatus) print(t io.Writer) {
	fmt.Fprintf(t, "\nFUNCTION\tINVOCATIONS\tERRORS\tTHROTTLED\tENVIRONMENTS\tBUSY\tPEAK\n")
	for _, f := range s.Functions {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", f.Name, f.Invocations, f.Errors, f.Throttles, f.Environments, f.Busy, f.Peak)
	}
}

// mostLosses is how many environments status names.
const mostLosses = 10

// since is a time as people say it: without the day if it is today's.
func since(t time.Time) string {
	t = t.Local()
	if y, m, d := time.Now().Date(); t.After(time.Date(y, m, d, 0, 0, 0, 0, time.Local)) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}
