package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/monitor"
)

func (p *program) templateCommand() *cobra.Command {
	var f buildFlags
	c := &cobra.Command{
		Use:   "template app|monitor|STACK",
		Short: "Print a stack's CloudFormation template as JSON",
		Long: `template prints what provision would give to CloudFormation: the template of the application's stack,
of the monitoring stack, or of a further one by its name, with all that hooks have to say. It
builds the application, because its stack names the deployment package by its content, and asks
nobody on AWS.`,
		Example: `  template monitor > monitor.json
  template app | cfn-lint`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.template(c, args, f) },
	}
	c.Flags().SortFlags = false
	f.flags(c)
	return c
}

func (p *program) template(c *cobra.Command, args []string, f buildFlags) error {
	if len(args) != 1 {
		return usage(c, fmt.Errorf("template takes app, monitor or the name of a further stack, and got %q", strings.Join(args, " ")))
	}
	if err := f.check(c, target{name: targetAWS}); err != nil {
		return err
	}
	stacks, err := p.stacks(c, f, args[0] == "app" || args[0] == p.app.Name())
	if err != nil {
		return err
	}
	name := args[0]
	monitoring, monitored := hosted(p.app, target{name: targetAWS})
	switch {
	case name == "app":
		name = p.app.Name()
	case name == "monitor" && monitored:
		name = monitoring.Stack
	case name == "monitor":
		return usage(c, fmt.Errorf("%s has no monitoring stack on AWS", p.app.Name()))
	}
	i := slices.IndexFunc(stacks, func(s ephor.Stack) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range stacks {
			names = append(names, s.Name)
		}
		return usage(c, fmt.Errorf("%q is no stack of %s: it is app, or one of %q", args[0], p.app.Name(), names))
	}
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(stacks[i].Template); err != nil {
		return fmt.Errorf("printing the template: %w", err)
	}
	return nil
}

// stacks are what would be provisioned: those below the application's and, if the application shall be
// built, its own as the last.
func (p *program) stacks(c *cobra.Command, f buildFlags, build bool) ([]ephor.Stack, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	ctx, cancel := gotool.WithGoRun(c.Context())
	defer cancel()
	config := deploy.WorkflowConfig{DryRun: true}
	if build {
		var err error
		if config, err = p.built(ctx, f); err != nil {
			return nil, err
		}
		config.DryRun = true
	}
	w := workflow(p.app, target{name: targetAWS}, config, monitor.Values{})
	if err := w.Prepare(ctx); err != nil {
		return nil, err
	}
	if !build {
		return w.Lower(), nil
	}
	if err := w.Build(ctx); err != nil {
		return nil, err
	}
	if err := w.Marshal(ctx); err != nil {
		return nil, err
	}
	return append(w.Lower(), w.Stack()), nil
}
