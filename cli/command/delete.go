package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// deleteFlags are the flags of delete.
type deleteFlags struct {
	target         target
	yes, artifacts bool
}

func (p *program) deleteCommand() *cobra.Command {
	var f deleteFlags
	c := &cobra.Command{
		Use:   "delete [app|monitor|STACK]",
		Short: "Delete the stacks that up or provision made, or one of them",
		Long: `delete deletes the application's stack and then those below it: the monitoring stack and what hooks
have put beside it; or only the one that is named. A stack that others import from is refused, or
that has termination protection, and then nothing is deleted.

First it says what goes and cannot be made again (metrics, objects, messages, secrets) and what stays
(what a template retains, the functions' logs, the artifact bucket), and asks, if it has somebody
to ask: on a terminal. A bucket that holds something is refused, as CloudFormation deletes none.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.delete(c, args, f) },
	}
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&f.artifacts, "artifacts", false, "delete the artifact bucket, too, with every version of every package in it, and the repository of the images")
	f.target.flag(c)
	return c
}

func (p *program) delete(c *cobra.Command, args []string, f deleteFlags) error {
	if len(args) > 1 {
		return usage(c, fmt.Errorf("delete takes one stack, and got %s", strings.Join(args, " ")))
	}
	if err := f.target.check(c); err != nil {
		return err
	}
	ctx := c.Context()
	lower, err := p.lower(ctx, f.target)
	if err != nil {
		return err
	}
	stacks, err := p.stacksNamed(args, f.target, lower)
	if err != nil {
		return usage(c, err)
	}
	if f.artifacts && !slices.Contains(stacks, p.app.Name()) {
		return usage(c, fmt.Errorf("--artifacts: they are the application's, and only stack %s is deleted", stacks[0]))
	}
	d, err := p.deploying(ctx, &f.target)
	if err != nil {
		return err
	}
	defer d.close()
	there, err := p.toDelete(ctx, d, f.target, stacks)
	if err != nil {
		return err
	}
	if len(there) > 0 || f.artifacts {
		if err := p.farewell(ctx, d, f, there); err != nil {
			return err
		}
	}
	if err := d.Delete(ctx, stacks...); err != nil {
		return p.deployError(f.target, err)
	}
	if f.artifacts {
		if err := d.DeleteArtifacts(ctx, p.app.Name()); err != nil {
			return p.deployError(f.target, err)
		}
		if p.hasRepository(f.target) {
			return p.deployError(f.target, d.DeleteImages(ctx, p.app.Name()))
		}
	}
	return nil
}

// toDelete are the states of those stacks that are there. It says which are not.
func (p *program) toDelete(ctx context.Context, d *deploying, t target, stacks []string) (there []deploy.State, err error) {
	for _, stack := range stacks {
		state, err := d.State(ctx, stack)
		if err != nil {
			return nil, p.deployError(t, err)
		}
		if state.Status == "" {
			d.terminal.sayf("stack %s: does not exist", stack)
			continue
		}
		there = append(there, state)
	}
	return there, p.deployError(t, d.Deletable(ctx, stacks...))
}

// lower are the names of the stacks below the application's where t says, each behind those that it imports from.
func (p *program) lower(ctx context.Context, t target) ([]string, error) {
	w := workflow(p.app, t, deploy.WorkflowConfig{DryRun: true}, monitor.Values{})
	if err := w.Declare(ctx); err != nil {
		return nil, err
	}
	var names []string
	for _, s := range w.Lower() {
		names = append(names, s.Name)
	}
	return names, nil
}

// stacksNamed are the stacks to delete, importers before what they import from.
func (p *program) stacksNamed(args []string, t target, lower []string) ([]string, error) {
	all := []string{p.app.Name()}
	for _, name := range slices.Backward(lower) {
		all = append(all, name)
	}
	if len(args) == 0 {
		return all, nil
	}
	name := args[0]
	monitoring, monitored := hosted(p.app, t)
	switch {
	case name == "app":
		name = p.app.Name()
	case name == "monitor" && monitored:
		name = monitoring.Stack
	case name == "monitor":
		return nil, fmt.Errorf("%s has no monitoring stack", p.app.Name())
	}
	if !slices.Contains(all, name) {
		return nil, fmt.Errorf("%q is no stack of %s: name app or monitor, one of %s, or nothing for all", name, p.app.Name(), strings.Join(all, ", "))
	}
	return []string{name}, nil
}

// releaseHint says what to delete first.
func (p *program) releaseHint(t target, used *deploy.InUseError) string {
	if slices.Equal(used.Stacks(), []string{p.app.Name()}) {
		return "delete app" + t.flags() + ", first; or delete" + t.flags() + ", for both"
	}
	return "deleting " + strings.Join(used.Stacks(), ", ") + " first"
}
