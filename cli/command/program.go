package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/metrics"
	"github.com/ephor-io/ephor/monitor"
)

// program is one run of an application's commands.
type program struct {
	app            *ephor.App
	stdin          io.Reader
	stdout, stderr io.Writer
	state          string // --state
	// declared are the instruments of the program.
	declared []metrics.Declared
}

// validate reports everything that is wrong with the application, its instruments included.
func (p *program) validate() error {
	errs := []error{p.app.Validate()}
	if _, ok := p.app.Monitoring(); ok {
		for _, d := range p.declared {
			errs = append(errs, monitor.CheckInstrument(d.Name))
		}
	}
	return errors.Join(errs...)
}

// run executes one command line and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	root := &cobra.Command{
		Use:   p.app.Name(),
		Short: p.app.Name() + ", an Ephor application",
		Long: p.app.Name() + ` is an Ephor application: Lambda functions that come with their monitoring.

Results go to standard output, all else to standard error. The exit status is 0 when done,
1 when something failed, 2 for wrong usage and 3 when an expectation was not met.`,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&p.state, "state", "", "the folder that the state lives in (default .ephor/"+p.app.Name()+" beside go.mod)")
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	root.AddCommand(p.upCommand(), p.provisionCommand(), p.statusCommand(), p.invokeCommand(), p.logsCommand(), p.deleteCommand(), p.templateCommand(), p.describeCommand(), p.dashboardCommand(), p.profileCommand(), p.versionCommand(), p.successorCommand())
	for _, c := range root.Commands() {
		c.Args = noArguments(c.Args)
	}
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		err := fmt.Errorf("there is no command %q", args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("there is no command %q; did you mean %s?", args[0], near[0])
		}
		return usage(c, err)
	}
	err := root.ExecuteContext(ctx)
	if err != nil {
		p.explain(err)
	}
	return status(err)
}

// usage makes err an error of the command line.
func usage(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		flag := invalid.GetFlag()
		err = fmt.Errorf("--%s: %q is not %s", flag.Name, invalid.GetValue(), article(flag.Value.Type()))
	}
	return &Error{Status: statusUsage, Err: err, Hint: c.CommandPath() + " --help"}
}

// article is what a flag's value shall be, by its type's name in pflag.
func article(kind string) string {
	switch kind {
	case "int":
		return "a number"
	case "bool":
		return "true or false"
	case "duration":
		return "a duration such as 90s or 2h"
	}
	return "a " + kind
}

// noArguments refuses arguments where a command has said nothing about them.
func noArguments(own cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if own != nil {
			return own(c, args)
		}
		if len(args) > 0 {
			return usage(c, fmt.Errorf("%s takes no argument, and got %q", c.CommandPath(), args[0]))
		}
		return nil
	}
}

// explain tells a person what went wrong and what to do.
func (p *program) explain(err error) {
	fmt.Fprintf(p.stderr, "error: %v\n", err)
	var e *Error
	if errors.As(err, &e) && e.Hint != "" {
		fmt.Fprintf(p.stderr, "  try: %s\n", e.Hint)
	}
}
