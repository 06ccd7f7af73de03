package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// buildFlags say how the function's executable is built.
type buildFlags struct {
	arch    string
	tags    []string
	ldflags string
	id      string
	laptop  bool // for this machine
}

func (f *buildFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.arch, "arch", "arm64", "the functions' `architecture`: arm64 or amd64; on the laptop it is this machine's")
	c.Flags().StringSliceVar(&f.tags, "tags", nil, "further build `tags`, comma-separated")
	c.Flags().StringVar(&f.ldflags, "ldflags", "", "further `flags` of Go's linker, as in -X main.version=2")
	c.Flags().StringVar(&f.id, "build-id", "", "the `name` of the revision, which the stack is tagged with (default what git describes it as)")
}

func (f *buildFlags) check(c *cobra.Command, t target) error {
	f.laptop = t.name == targetLaptop
	switch {
	case f.laptop && c.Flags().Changed("arch"):
		return usage(c, errors.New("--arch: on the laptop the functions are built for this machine"))
	case f.arch != "arm64" && f.arch != "amd64":
		return usage(c, fmt.Errorf("--arch %q: arm64 or amd64", f.arch))
	case slices.Contains(f.tags, "ephor_host"):
		return usage(c, errors.New("--tags ephor_host: that is the command line's, which is not deployed"))
	case len(f.id) > 256:
		return usage(c, fmt.Errorf("--build-id: %d characters; a tag has 256 at most", len(f.id)))
	}
	return nil
}

// revision is what git calls the source as it is: a tag and how far from it, or the commit, with
// -dirty behind it where something is not committed. It is "" where there is no git or no commit.
func revision(ctx context.Context, dir string) (string, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return "", nil
	}
	cmd := exec.CommandContext(ctx, git, "describe", "--always", "--dirty", "--abbrev=12")
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	var failed *exec.ExitError
	if ctx.Err() == nil && errors.As(err, &failed) { // no repository, or one without a commit
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("asking git for the revision: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
