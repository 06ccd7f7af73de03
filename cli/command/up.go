package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/laptop"
	"github.com/ephor-io/ephor/load"
)

// upFlags are the flags of up.
type upFlags struct {
	page, store, endpoint, gateway int
	grafanaPort                    int
	load, loadURL, grafana         string
	once, json, fresh, profile     bool
}

func (p *program) upCommand() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the application and its monitoring on this machine",
		Long: `up builds the application as Lambda would run it, starts AWS on this machine, provisions the
monitoring stack and the application's, and follows the source: what is saved is built and takes
over without losing a request. Ctrl-C ends it; what was recorded stays for the next time.`,
		Example: `  up                                         run until Ctrl-C
  up --load 10s@50,10s@50..300               50 requests a second for 10 s, then up to 300
  up --load 10s@50 --once --json             run the plan, report in JSON, end
  up --grafana                               show the dashboards in the Grafana that is installed
  GRAFANA_TOKEN=… up --grafana=http://localhost:3000    or in one that runs`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.up(c, args, f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.load, "load", "", "send requests by a `plan`: DURATION@RATE[..RATE], comma-separated; rates are per second")
	flags.StringVar(&f.loadURL, "load-url", "", "where the load goes: a path of the API or an absolute `URL` (default the first GET route without variables)")
	flags.BoolVar(&f.once, "once", false, "end after the load; the status is 0 only if every request is accounted for")
	flags.BoolVar(&f.json, "json", false, "print results as JSON")
	flags.BoolVar(&f.fresh, "fresh", false, "start empty: delete all metrics, stacks and logs of earlier runs")
	flags.BoolVar(&f.profile, "profile", false, "build the functions so that the command profile can look into them")
	flags.StringVar(&f.grafana, "grafana", "", "show the dashboards in a Grafana, too, that is `where`: the home or executable of one for up to run, the URL of one that runs here, or PATH")
	flags.Lookup("grafana").NoOptDefVal = grafanaOnPath
	flags.IntVar(&f.page, "page-port", 3000, "the page's `port`; taken, it moves to the next free one unless given here")
	flags.IntVar(&f.store, "store-port", 8086, "the store's `port`, likewise")
	flags.IntVar(&f.endpoint, "endpoint-port", 4566, "the AWS endpoint's `port`, likewise")
	flags.IntVar(&f.gateway, "gateway-port", 8080, "the API's `port`, likewise")
	flags.IntVar(&f.grafanaPort, "grafana-port", 3001, "the `port` of the Grafana that up runs, likewise")
	return c
}

// plan is what --load, --load-url and --once ask for; empty without a load.
func (p *program) plan(c *cobra.Command, f upFlags) (load.Plan, error) {
	var plan load.Plan
	if c.Flags().Changed("load") && f.load == "" {
		return plan, usage(c, errors.New("--load: the plan is empty; it is DURATION@RATE[..RATE], as in 10s@50"))
	}
	if f.load == "" {
		if f.once || f.loadURL != "" {
			return plan, usage(c, errors.New("--once and --load-url need a --load"))
		}
		return plan, nil
	}
	if _, monitored := p.app.Monitoring(); f.once && !monitored {
		return plan, usage(c, fmt.Errorf("--once counts what was recorded, and %s has no monitoring stack", p.app.Name()))
	}
	plan, err := load.ParsePlan(f.load)
	if err != nil {
		return plan, usage(c, fmt.Errorf("--load: %w", err))
	}
	if err := checkLoadURL(f.loadURL); err != nil {
		return plan, usage(c, err)
	}
	return plan, nil
}

// checkLoadURL takes a path of the API, an absolute URL on this machine, or nothing.
func checkLoadURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("--load-url: %w", err)
	case text == "", u.Host == "" && strings.HasPrefix(text, "/"):
		return nil
	case u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("--load-url: %q is neither a path that begins with / nor an absolute http URL", text)
	case !laptop.Loopback(u.Host):
		return fmt.Errorf("--load-url: %s is not this machine, and a load on somebody else's server is an attack", u.Host)
	}
	return nil
}

// ports are the laptop's ports: those given by flag are fixed.
func (f upFlags) ports(c *cobra.Command) (laptop.Ports, error) {
	port := func(name string, number int) laptop.Port {
		return laptop.Port{Number: number, Fixed: c.Flags().Changed(name)}
	}
	given := map[int]string{}
	for _, p := range []struct {
		name   string
		number int
	}{{"page-port", f.page}, {"store-port", f.store}, {"endpoint-port", f.endpoint}, {"gateway-port", f.gateway}, {"grafana-port", f.grafanaPort}} {
		if p.number < 0 || p.number > 65535 {
			return laptop.Ports{}, usage(c, fmt.Errorf("--%s: %d is not a port: 0 (any) to 65535", p.name, p.number))
		}
		if p.number == 0 || !c.Flags().Changed(p.name) {
			continue
		}
		if other := given[p.number]; other != "" {
			return laptop.Ports{}, usage(c, fmt.Errorf("--%s and --%s are both %d", other, p.name, p.number))
		}
		given[p.number] = p.name
	}
	return laptop.Ports{
		Page:     port("page-port", f.page),
		Store:    port("store-port", f.store),
		Endpoint: port("endpoint-port", f.endpoint),
		Gateway:  port("gateway-port", f.gateway),
	}, nil
}

// up runs the application on this machine.
func (p *program) up(c *cobra.Command, args []string, f upFlags) (err error) {
	plan, err := p.plan(c, f)
	if err != nil {
		return err
	}
	shows, err := p.grafanaOf(c, args, f)
	if err != nil {
		return err
	}
	ports, err := f.ports(c)
	if err != nil {
		return err
	}
	if err := p.validate(); err != nil {
		return err
	}
	ctx, cancel := gotool.WithGoRun(c.Context())
	defer cancel()
	pkg, err := source(ctx)
	if err == nil && p.state == "" {
		p.state = stateFolder(pkg, p.app)
	}
	if !f.once && wasAsked(ctx, err) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := p.stateDir(ctx)
	if err != nil {
		return err
	}
	held, err := openState(dir, f.fresh)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()

	s := newSession(p, pkg, dir, f)
	if shows != nil {
		s.grafana.in = shows(s)
	}
	defer s.terminal.close()
	return s.run(ctx, ports, plan, f)
}

// openState takes the lock of the state and, if it shall be fresh, empties it.
func openState(dir string, fresh bool) (*lock, error) {
	held, err := acquire(dir)
	var locked *lockedError
	var foreign *foreignError
	switch {
	case errors.As(err, &locked):
		return nil, hinted(err, "end it with Ctrl-C in its terminal, or use another state with --state")
	case errors.As(err, &foreign):
		return nil, hinted(err, "a folder that is empty or not there yet: --state FOLDER")
	case err != nil:
		return nil, hinted(err, "a folder that can be written to: --state FOLDER")
	}
	// What an `up` that was killed left would point at nobody.
	err = os.Remove(addressFile(dir))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil && fresh {
		err = empty(dir)
	}
	if err != nil {
		return nil, errors.Join(hinted(fmt.Errorf("clearing the state: %w", err), "a folder that can be written to: --state FOLDER"), held.release())
	}
	return held, nil
}

// empty removes what an `up` makes in its state, but for the lock.
func empty(dir string) (err error) {
	for _, name := range []string{buildFolder, laptopFolder, grafanaFolder} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	return err
}

// start brings up the laptop and all stacks, the binary being built meanwhile.
func (s *session) start(ctx context.Context, ports laptop.Ports) error {
	if err := s.startLaptop(ctx, ports); err != nil {
		return err
	}
	if note := withoutImage(s.program.app); note != "" {
		s.terminal.sayf("%s", note)
	}
	c := s.converging()
	a, err := s.program.converge(ctx, c, s.showDeployment, func() {})
	switch {
	case ctx.Err() != nil && err != nil:
		return err
	case err != nil:
		return s.program.deployError(target{name: targetLaptop, endpoint: c.Endpoint}, err)
	}
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	s.converged = converged{path, a.Deployed.Key}
	if err := s.adopt(a); err != nil {
		return err
	}
	if err := s.showInGrafana(ctx, a); err != nil {
		return err
	}
	if own, ok := s.program.app.Store(); ok {
		s.terminal.sayf("metrics stay in the laptop's own store; on AWS they go to %s", own.URL)
	}
	return s.announce()
}

// drain is how long the end of up waits for requests that are under way.
const drain = 3 * time.Second
