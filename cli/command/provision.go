package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/monitor"
)

// provisionFlags are the flags of provision.
type provisionFlags struct {
	target             target
	build              buildFlags
	parameters         []string
	engine             string
	dryRun, fast, json bool
}

func (p *program) provisionCommand() *cobra.Command {
	f := provisionFlags{target: target{name: targetAWS}}
	c := &cobra.Command{
		Use:   "provision",
		Short: "Bring the application and its monitoring to AWS",
		Long: `provision builds the application for Lambda, uploads it if it is not there yet, and has CloudFormation
make the monitoring stack and then the application's what their templates say, each by a change
set. Where nothing has changed, nothing is done. The outputs of the application's stack go to
standard output.

Ctrl-C ends the waiting, not what CloudFormation has begun: the same command again waits for that
and goes on.

On AWS it is whatever account, region and credentials AWS's own tools would take: environment,
profile, single sign-on.`,
		Example: `  provision --dry-run                                  what would change, replacements first
  provision --parameter WritersCIDR=203.0.113.0/24     let functions behind a NAT gateway write
  provision --fast                                     code alone, in seconds`,
		RunE: func(c *cobra.Command, _ []string) error { return p.provision(c, f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would change and change nothing")
	flags.BoolVar(&f.fast, "fast", false, "update the functions' code in place; refused if more than code has changed")
	flags.StringArrayVar(&f.parameters, "parameter", nil, "a `NAME=VALUE` of the monitoring stack, see template monitor; kept from then on")
	f.build.flags(c)
	flags.StringVar(&f.engine, "engine", "", "what builds the image of a Dockerfile: `docker`, podman or buildah (default the first that answers)")
	flags.BoolVar(&f.json, "json", false, "print results as JSON")
	f.target.flag(c)
	return c
}

// provisioned is what provision tells a program.
type provisioned struct {
	Stack     string            `json:"stack"`
	Unchanged bool              `json:"unchanged"`
	BuildID   string            `json:"buildId,omitempty"`
	Outputs   map[string]string `json:"outputs,omitempty"`
	// Lower are the outputs of the stacks below, by stack.
	Lower map[string]map[string]string `json:"lower,omitempty"`
}

func (p *program) provision(c *cobra.Command, f provisionFlags) error {
	if f.json && f.fast {
		return usage(c, errors.New("--json and --fast exclude each other: --fast has no result but its status"))
	}
	if f.dryRun && f.fast {
		return usage(c, errors.New("--dry-run and --fast exclude each other: --fast itself refuses what is more than code"))
	}
	parameters, err := p.monitoringParameters(f.target, f.parameters)
	if err != nil {
		return usage(c, err)
	}
	if err := errors.Join(f.target.check(c), f.build.check(c, f.target)); err != nil {
		return err
	}
	if err := p.checkEngine(f); err != nil {
		return usage(c, err)
	}
	if err := p.validate(); err != nil {
		return err
	}
	ctx, cancel := gotool.WithGoRun(c.Context())
	defer cancel()
	d, err := p.deploying(ctx, &f.target)
	if err != nil {
		return err
	}
	defer d.close()
	wc, err := p.built(ctx, f.build)
	if err != nil {
		return err
	}
	wc.Deployer, wc.Events, wc.DryRun = d.Deployer, d.progress.show, f.dryRun
	if wc.Image != nil {
		wc.Image.Engine = f.engine
	} else if note := withoutImage(p.app); note != "" {
		d.terminal.sayf("%s", note)
	}
	values, err := p.values(ctx, d, f, parameters)
	if err != nil {
		return p.deployError(f.target, err)
	}
	w := workflow(p.app, f.target, wc, values)
	switch {
	case f.dryRun:
		plans, err := w.DryRun(ctx)
		if err != nil {
			return p.deployError(f.target, err)
		}
		if err := p.noteCost(plans, values); err != nil {
			return p.deployError(f.target, err)
		}
		d.terminal.flush()
		return p.printPlans(plans, f.json)
	case f.fast:
		if err := w.Fast(ctx); err != nil {
			return p.deployError(f.target, err)
		}
		d.terminal.sayf("%s: the functions have the code as it is", p.app.Name())
		return nil
	}
	if f.target.name == targetAWS {
		p.warnOfWriters(ctx, d, f.target, parameters)
	}
	result, err := w.Run(ctx)
	if err != nil {
		return p.deployError(f.target, err)
	}
	d.terminal.flush()
	if g, ok := hosted(p.app, f.target); ok {
		d.terminal.sayf("%s", monitor.Login(result.Lower[g.Stack], f.target.place(), f.letsIn(values)))
	} else {
		p.sayStore(ctx, d, f.target)
		if _, own := p.app.Store(); own && !result.Unchanged {
			if err := p.markDeploy(ctx, d, wc.BuildID); err != nil {
				d.terminal.sayf("note: the dashboards do not mark this deploy: %v", err)
			}
		}
	}
	return p.printProvisioned(provisioned{Stack: p.app.Name(), Unchanged: result.Unchanged, BuildID: wc.BuildID, Outputs: result.Outputs, Lower: result.Lower}, f.json)
}

// built is how the application is built for a target: into a place of provision's own, since an up may be
// building at the same time.
func (p *program) built(ctx context.Context, f buildFlags) (deploy.WorkflowConfig, error) {
	pkg, err := source(ctx)
	if err != nil {
		return deploy.WorkflowConfig{}, err
	}
	dir, err := p.stateDir(ctx)
	if err != nil {
		return deploy.WorkflowConfig{}, err
	}
	build := functionBuild(pkg, filepath.Join(dir, provisionFolder), "linux", f.arch)
	build.Exclusive = false
	if f.laptop {
		build.GOOS, build.GOARCH = runtime.GOOS, runtime.GOARCH
	}
	build.Tags = slices.Concat(build.Tags, f.tags)
	if f.ldflags != "" {
		build.LDFlags += " " + f.ldflags
	}
	c := deploy.WorkflowConfig{Build: build, BuildID: f.id}
	if i, ok := p.app.Container(); ok && !f.laptop {
		c.Image = &deploy.ImageConfig{Dockerfile: filepath.Join(pkg.Dir, filepath.FromSlash(i.Dockerfile))}
	}
	if c.BuildID == "" {
		if c.BuildID, err = revision(ctx, pkg.ModuleDir); err != nil {
			return c, err
		}
	}
	if c.BuildID != "" {
		c.Tags = map[string]string{buildTag: c.BuildID}
	}
	return c, nil
}

// buildTag is the tag of the application's stack that names the revision it was built from. The
// executable does not: then the same source would not make the same bytes.
const buildTag = "ephor:build"

// monitoringParameters reads NAME=VALUE and refuses what the monitoring template where t says does not have.
func (p *program) monitoringParameters(t target, given []string) (map[string]string, error) {
	if len(given) == 0 {
		return nil, nil
	}
	g, ok := hosted(p.app, t)
	if !ok {
		return nil, fmt.Errorf("--parameter: %s has no monitoring stack", p.app.Name())
	}
	if err := monitor.Check(g); err != nil {
		return nil, err
	}
	known := monitor.Template(g).Parameters
	parameters := map[string]string{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--parameter %q: it is NAME=VALUE", text)
		}
		if _, ok := known[name]; !ok {
			return nil, fmt.Errorf("--parameter %s: stack %s has no such parameter; it has %s", name, g.Stack, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		parameters[name] = value
	}
	return parameters, nil
}

// warnOfWriters says, before a new monitoring stack takes its minutes, that nobody may write to it yet.
func (p *program) warnOfWriters(ctx context.Context, d *deploying, t target, parameters map[string]string) {
	g, ok := hosted(p.app, t)
	if _, given := parameters[monitor.ParamWriters]; !ok || given {
		return
	}
	if s, err := d.State(ctx, g.Stack); err == nil && s.Status == "" { // an error is met again at once, and told
		d.terminal.sayf("note: no function may write to the store of the new stack %s, since --parameter %s=… is not given; see docs/deploying.md", g.Stack, monitor.ParamWriters)
	}
}

func (p *program) printProvisioned(r provisioned, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(r)
	}
	if r.Unchanged {
		fmt.Fprintf(p.stderr, "%s: nothing has changed\n", r.Stack)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	print := func(outputs map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(outputs)) {
			fmt.Fprintf(t, "%s\t%s\n", name, outputs[name])
		}
	}
	print(r.Outputs)
	for _, stack := range slices.Sorted(maps.Keys(r.Lower)) {
		fmt.Fprintf(t, "\nstack %s\n", stack)
		print(r.Lower[stack])
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the outputs: %w", err)
	}
	return nil
}
