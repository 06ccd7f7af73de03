package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ephor-io/ephor/deploy"
)

// askDrift has all stacks that are there compared with their templates, at the same time.
func (p *program) askDrift(ctx context.Context, d *deploy.Deployer, t target, stacks []deploy.State) error {
	if t.name == targetAWS {
		fmt.Fprintln(p.stderr, "CloudFormation compares the stacks with their templates, which may take some minutes")
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range stacks {
		if stacks[i].Status == "" {
			continue
		}
		g.Go(func() (err error) {
			stacks[i].Drift, err = d.Drift(ctx, stacks[i].Name)
			return err
		})
	}
	err := g.Wait()
	switch {
	case err == nil:
		return nil
	case t.name == targetLaptop && isCode(err, "InvalidAction"):
		return hinted(fmt.Errorf("--drift: the laptop's CloudFormation does not compare stacks with their templates"), "status --drift --target aws, or status without --drift")
	}
	return p.reached(t, err)
}

// driftWords are CloudFormation's statuses as a person says them.
var driftWords = map[string]string{
	"IN_SYNC": "as the template says", "DRIFTED": "differs from the template", "NOT_CHECKED": "could not be compared with the template",
	"UNKNOWN": "could not be compared with the template in all parts",
}

func printDrift(w io.Writer, d *deploy.Drift) {
	word, ok := driftWords[d.Status]
	if !ok {
		word = d.Status
	}
	fmt.Fprintln(w, "  "+strings.TrimSuffix("drift: "+word+": "+oneLine(d.Reason), ": "))
	for _, r := range d.Resources {
		what := map[string]string{"MODIFIED": "changed", "DELETED": "deleted", "UNKNOWN": "not compared"}[r.Status]
		fmt.Fprintln(w, "    "+strings.TrimSuffix(fmt.Sprintf("%s: %s %s (%s): %s", what, r.Type, r.LogicalID, r.ID, oneLine(r.Reason)), ": "))
		for _, p := range r.Differences {
			fmt.Fprintf(w, "      %s: %s, template: %s\n", p.Path, shown(p.Actual), shown(p.Expected))
		}
	}
}

// shown is a property's value in a line; --json has the whole.
func shown(value string) string {
	switch value {
	case "", "null":
		return "nothing"
	}
	return plain(oneLine(value))
}
