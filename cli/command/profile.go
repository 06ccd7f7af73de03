package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// profileTag is the build tag of functions that can be profiled.
const profileTag = "ephor_profile"

// profileKinds are the profiles that Go knows; those that take a time come first.
var profileKinds = []string{"cpu", "block", "mutex", "heap", "allocs", "goroutine", "threadcreate"}

// profileFlags are the flags of profile.
type profileFlags struct {
	target         target
	instance, kind string
	seconds        int
	out            string
}

func (p *program) profileCommand() *cobra.Command {
	var f profileFlags
	c := &cobra.Command{
		Use:   "profile [FUNCTION]",
		Short: "Take a profile of an execution environment that runs, for go tool pprof",
		Long: `profile looks into one environment of a function, while up --profile runs, and writes a profile that
go tool pprof reads. The function may be left out where the application has only one.

Types cpu, block and mutex record for some seconds, in which the environment lives as always: it is
frozen when it has nothing to do, and what is recorded is what it does in between. So send it requests
meanwhile. The others are of a moment; a frozen environment is thawed for it.

On AWS nothing but an invocation gets into an environment, and no invocation can see the others; so
there are no profiles there.`,
		Example: `  up --profile --load 1m@50            in another terminal
  profile --seconds 20
  go tool pprof -http : HelloWorld-cpu.pb.gz
  profile HelloWorld --type heap --out - > heap.pb.gz`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.profile(c, args, f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.kind, "type", "cpu", "what to look at, a `type`: "+strings.Join(profileKinds, ", "))
	flags.IntVar(&f.seconds, "seconds", 10, "how long cpu, block and mutex are recorded, up to an hour")
	flags.StringVar(&f.instance, "instance", "", "the environment whose log stream `ends` so (default one that is at work, or the one used last)")
	flags.StringVar(&f.out, "out", "", "the `file` to write, or - for standard output (default FUNCTION-TYPE.pb.gz)")
	f.target.flag(c)
	return c
}

func (p *program) profile(c *cobra.Command, args []string, f profileFlags) error {
	if err := f.target.check(c); err != nil {
		return err
	}
	timed := slices.Contains(profileKinds[:3], f.kind)
	switch {
	case !slices.Contains(profileKinds, f.kind):
		return usage(c, fmt.Errorf("--type %q: it is one of %s", f.kind, strings.Join(profileKinds, ", ")))
	case c.Flags().Changed("seconds") && !timed:
		return usage(c, fmt.Errorf("--seconds: a %s profile is of a moment", f.kind))
	case f.seconds < 1 || f.seconds > 3600:
		return usage(c, fmt.Errorf("--seconds %d: 1 to 3600", f.seconds))
	case f.target.name == targetAWS:
		return hinted(errors.New("profile --target aws: on AWS nothing but an invocation gets into an execution environment, so no profile can be taken of one"),
			"up --profile --load PLAN, and profile in another terminal: the same code here")
	}
	fn, err := p.oneFunction(c.Name(), args)
	if err != nil {
		return usage(c, err)
	}
	ctx := c.Context()
	at, err := p.connect(ctx)
	if err != nil {
		return err
	}
	if !timed {
		f.seconds = 0
	}
	taken, err := p.takeProfile(ctx, at, fn, f)
	if err != nil {
		return err
	}
	return p.writeProfile(fn, f, taken, timed)
}

func (p *program) writeProfile(fn deployed, f profileFlags, taken profiled, timed bool) error {
	if f.out == "" {
		f.out = fn.short + "-" + f.kind + ".pb.gz"
	}
	if f.out == "-" {
		if _, err := p.stdout.Write(taken.data); err != nil {
			return fmt.Errorf("printing the profile: %w", err)
		}
	} else if err := os.WriteFile(f.out, taken.data, 0o644); err != nil {
		return hinted(fmt.Errorf("writing the profile: %w", err), "--out with a file in a folder that is there")
	} else {
		fmt.Fprintln(p.stdout, f.out)
	}
	switch {
	case timed && taken.invocations == 0:
		fmt.Fprintf(p.stderr, "%s, environment %s: it was not invoked meanwhile, so there is nothing to see; send it requests, as up --load does\n", fn.short, taken.instance)
	case timed && taken.invocations > 0:
		fmt.Fprintf(p.stderr, "%s, environment %s: %s\n", fn.short, taken.instance, plural(taken.invocations, "invocation"))
	default:
		fmt.Fprintf(p.stderr, "%s, environment %s\n", fn.short, taken.instance)
	}
	if f.out != "-" {
		fmt.Fprintf(p.stderr, "  look: go tool pprof -http : %s\n", f.out)
	}
	return nil
}

// takeProfile asks the laptop's Lambda for a profile.
func (p *program) takeProfile(ctx context.Context, at addresses, fn deployed, f profileFlags) (profiled, error) {
	taken, err := askProfile(ctx, at.Endpoint, fn.name, profileOrder{Instance: f.instance, Kind: f.kind, Seconds: f.seconds}, func() {
		fmt.Fprintf(p.stderr, "%s: recording for %s\n", fn.short, short(time.Duration(f.seconds)*time.Second))
	})
	var refused *profileError
	switch {
	case err == nil:
		return taken, nil
	case ctx.Err() != nil:
		return taken, errors.New("interrupted; nothing was written")
	case unreachable(err):
		return taken, p.notRunning()
	case !errors.As(err, &refused):
		return taken, err
	}
	switch refused.code {
	case "ProfileNotAvailable":
		return taken, hinted(fmt.Errorf("%s cannot be profiled: its program is built without that", fn.short), "up --profile, which builds it in")
	case "ResourceNotFoundException":
		if err := p.noFunction(ctx, laptopAWS(at.Endpoint), f.target, fn); err != nil {
			return taken, err
		}
		return taken, hinted(refused, "invoke "+fn.short+", or status, which says what runs")
	}
	return taken, refused
}
