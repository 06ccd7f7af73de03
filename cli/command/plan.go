package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ephor-io/ephor/deploy"
)

// severity orders what a change does to what there is, the worst first.
var severity = []string{"replace", "may replace", "remove", "change", "add"}

// effect is what a change does, in one of severity's words.
func effect(c deploy.Change) string {
	switch {
	case c.Action == "Modify" && c.Replacement == "True":
		return "replace"
	case c.Action == "Modify" && c.Replacement == "Conditional":
		return "may replace"
	case c.Action == "Modify":
		return "change"
	case c.Action == "Remove":
		return "remove"
	case c.Action == "Add":
		return "add"
	}
	return strings.ToLower(c.Action) // Import, Dynamic: nothing that a template of ours asks for
}

// printPlans prints what would change, replacements first.
func (p *program) printPlans(plans []*deploy.Plan, asJSON bool) error {
	for _, plan := range plans {
		slices.SortStableFunc(plan.Changes, func(a, b deploy.Change) int {
			return slices.Index(severity, effect(a)) - slices.Index(severity, effect(b))
		})
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(plans)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, plan := range plans {
		switch {
		case plan.Action == deploy.ActionNone:
			fmt.Fprintf(t, "stack %s: nothing would change\n", plan.Stack)
		case len(plan.Changes) == 0:
			fmt.Fprintf(t, "stack %s: %s; outputs or tags alone\n", plan.Stack, plan.Action)
		default:
			fmt.Fprintf(t, "stack %s: %s, %s\n", plan.Stack, plan.Action, plural(len(plan.Changes), "resource"))
		}
		for _, c := range plan.Changes {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", effect(c), c.LogicalID, c.Type, strings.Join(c.Properties, ", "))
		}
		if plan.Note != "" {
			fmt.Fprintf(t, "  note: %s\n", plan.Note)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the plan: %w", err)
	}
	return nil
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
