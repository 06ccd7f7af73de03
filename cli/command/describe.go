package command

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/topology"
)

func (p *program) describeCommand() *cobra.Command {
	var f buildFlags
	var out string
	var mermaid bool
	c := &cobra.Command{
		Use:   "describe",
		Short: "Draw what the application consists of",
		Long: `describe draws the application's topology from its templates: who calls which function, what the
functions use, and which stack imports from which. It is an HTML page that needs no network or,
with --mermaid, text that GitHub draws. It asks nobody on AWS.`,
		Example: `  describe --out shop.html
  describe --mermaid >> README.md`,
		RunE: func(c *cobra.Command, _ []string) error { return p.describe(c, f, out, mermaid) },
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&out, "out", "", "the `file` to write (default standard output)")
	c.Flags().BoolVar(&mermaid, "mermaid", false, "write Mermaid's text instead of a page")
	f.flags(c)
	return c
}

func (p *program) describe(c *cobra.Command, f buildFlags, out string, mermaid bool) error {
	if err := f.check(c, target{name: targetAWS}); err != nil {
		return err
	}
	stacks, err := p.stacks(c, f, true)
	if err != nil {
		return err
	}
	g, err := topology.Of(p.app, stacks)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if mermaid {
		text.WriteString(g.Mermaid())
	} else if err := g.HTML(&text); err != nil {
		return err
	}
	if out != "" {
		if err := os.WriteFile(out, text.Bytes(), 0o644); err != nil {
			return hinted(fmt.Errorf("writing the description: %w", err), "--out with a file in a folder that is there")
		}
		return nil
	}
	if _, err := p.stdout.Write(text.Bytes()); err != nil {
		return fmt.Errorf("printing the description: %w", err)
	}
	return nil
}
