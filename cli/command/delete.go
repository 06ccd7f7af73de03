package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/deploy"
)

func (p *program) deleteCommand() *cobra.Command {
	var t target
	c := &cobra.Command{
		Use:   "delete [app|monitor]",
		Short: "Delete the stacks that up or provision made, or one of them",
		Long: `delete deletes the application's stack and then the monitoring stack, with all metrics in it; or
only the one that is named. The monitoring stack is refused while other stacks import from it.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.delete(c, args, t) },
	}
	c.Flags().SortFlags = false
	t.flag(c)
	return c
}

func (p *program) delete(c *cobra.Command, args []string, t target) error {
	stacks, err := p.stacksNamed(args)
	if err != nil {
		return usage(c, err)
	}
	if err := t.check(c); err != nil {
		return err
	}
	ctx := c.Context()
	config, err := p.config(ctx, t)
	if err != nil {
		return err
	}
	out := newTerminal(p.stderr)
	defer out.close()
	d := deploy.New(deploy.Config{App: p.app.Name(), AWS: config, Events: func(e deploy.Event) { out.show(e) }})
	for _, stack := range stacks {
		state, err := d.State(ctx, stack)
		if err != nil {
			return p.deployError(t, err)
		}
		if state.Status == "" {
			out.sayf("stack %s: does not exist", stack)
		}
	}
	err = d.Delete(ctx, stacks...)
	var used *deploy.InUseError
	if errors.As(err, &used) {
		return hinted(err, p.releaseHint(used))
	}
	return p.deployError(t, err)
}

// stacksNamed are the stacks to delete, importers before what they import from.
func (p *program) stacksNamed(args []string) ([]string, error) {
	monitoring, monitored := p.app.Monitoring()
	what := "all"
	if len(args) > 1 {
		return nil, fmt.Errorf("delete takes one of app and monitor, and got %s", strings.Join(args, " "))
	}
	if len(args) == 1 {
		what = args[0]
	}
	switch {
	case what == "app", what == p.app.Name(), what == "all" && !monitored:
		return []string{p.app.Name()}, nil
	case (what == "monitor" || what == monitoring.Stack) && monitored:
		return []string{monitoring.Stack}, nil
	case what == "monitor":
		return nil, fmt.Errorf("%s has no monitoring stack", p.app.Name())
	case what == "all":
		return []string{p.app.Name(), monitoring.Stack}, nil
	}
	return nil, fmt.Errorf("%q is no stack of %s: name app or monitor, or neither for both", what, p.app.Name())
}

// releaseHint says what to delete first.
func (p *program) releaseHint(used *deploy.InUseError) string {
	if slices.Equal(used.Stacks(), []string{p.app.Name()}) {
		return "delete app, first; or delete, for both"
	}
	return "deleting " + strings.Join(used.Stacks(), ", ") + " first"
}
