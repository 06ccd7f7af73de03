package command

import (
	"path/filepath"
	"slices"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/monitor"
)

// functionTags are those of the binary that Lambda runs: without the command line, and without
// the RPC mode of a runtime that Lambda no longer has.
var functionTags = []string{"ephor_lambda", "lambda.norpc"}

// functionBuild is how the function's executable is built into the state. What it is built of goes into
// it, and nothing else: the same source makes the same bytes, of whatever revision and in whatever folder.
func functionBuild(source gotool.Package, dir, goos, goarch string) gotool.Config {
	return gotool.Config{
		Dir: source.ModuleDir, Package: source.ImportPath, Output: filepath.Join(dir, buildFolder, "bootstrap"), Tags: functionTags,
		LDFlags: "-s -w", Trimpath: true, GOOS: goos, GOARCH: goarch, Exclusive: true,
	}
}

// workflow is the application's way to its stacks, the same for up and for provision: the monitoring
// stack comes by hooks, before the application's own. parameters are the monitoring template's.
func workflow(app *ephor.App, c deploy.WorkflowConfig, parameters map[string]string) *deploy.Workflow {
	c.App = app
	if g, ok := app.Monitoring(); ok {
		c.Hooks = append(c.Hooks, monitor.Hooks(g, parameters))
	}
	c.Hooks = slices.Concat(c.Hooks, app.Hooks())
	return deploy.NewWorkflow(c)
}
