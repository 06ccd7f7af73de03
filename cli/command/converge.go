package command

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/monitor"
)

// functionTags are those of the binary that Lambda runs: without the command line, and without
// the RPC mode of a runtime that Lambda no longer has.
var functionTags = []string{"ephor_lambda", "lambda.norpc"}

// hostTag is the one of the binary with the commands.
const hostTag = "ephor_host"

// functionBuild is how the function's executable is built into the state. What it is built of goes into
// it, and nothing else: the same source makes the same bytes, of whatever revision and in whatever folder.
func functionBuild(source gotool.Package, dir, goos, goarch string) gotool.Config {
	return gotool.Config{
		Dir: source.ModuleDir, Package: source.ImportPath, Output: filepath.Join(dir, buildFolder, "bootstrap"), Tags: functionTags,
		LDFlags: "-s -w", Trimpath: true, GOOS: goos, GOARCH: goarch, Exclusive: true,
	}
}

// workflow is the application's way to its stacks where t says, the same for up and for provision: what
// monitors it comes by hooks, before the application's own. values are of the monitoring template's parameters.
func workflow(app *ephor.App, t target, c deploy.WorkflowConfig, values monitor.Values) *deploy.Workflow {
	c.App = app
	if hooks, ok := monitoringHooks(app, t, values); ok {
		c.Hooks = append(c.Hooks, hooks)
	}
	c.Hooks = slices.Concat(c.Hooks, app.Hooks())
	return deploy.NewWorkflow(c)
}

// converging says where an application is converged on the laptop. It goes through JSON.
type converging struct {
	// Name is the application's; one of another name is refused.
	Name     string         `json:"name"`
	Endpoint string         `json:"endpoint"`
	Source   gotool.Package `json:"source"`
	Dir      string         `json:"dir"` // of the state
	// Tags are further build tags of the function's.
	Tags []string `json:"tags,omitempty"`
	// Built says that the function's executable is there already.
	Built bool `json:"built"`
}

// functionBuild is how the function's executable is built for the laptop.
func (c converging) functionBuild() gotool.Config {
	build := functionBuild(c.Source, c.Dir, runtime.GOOS, runtime.GOARCH)
	build.Tags = slices.Concat(build.Tags, c.Tags)
	return build
}

// deployer changes the laptop's stacks.
func (c converging) deployer(show func(deploy.Event)) *deploy.Deployer {
	return deploy.New(deploy.Config{App: c.Name, AWS: laptopAWS(c.Endpoint), Events: show})
}

// converge takes the program's application to its stacks on the laptop, with all its hooks. begun is called before the first stack is touched.
func (p *program) converge(ctx context.Context, c converging, show func(deploy.Event), begun func()) (*application, error) {
	if p.app.Name() != c.Name {
		return nil, hinted(fmt.Errorf("the application was called %s when up started, and is called %s now: that is another one", c.Name, p.app.Name()), "up, once more")
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	d, at := c.deployer(show), target{name: targetLaptop}
	values, err := valuesOf(ctx, d, p.app, at, nil)
	if err != nil {
		return nil, err
	}
	w := workflow(p.app, at, deploy.WorkflowConfig{Build: c.functionBuild(), Built: c.Built, Deployer: d, Events: show}, values)
	result, err := convergeAll(ctx, w, begun)
	if err := w.Failed(ctx, err); err != nil {
		return nil, err
	}
	a, err := describe(p.app) // as the hooks have left it
	if err != nil {
		return nil, err
	}
	for _, s := range w.Lower() {
		a.Stacks = append(a.Stacks, s.Name)
	}
	a.Stacks = append(a.Stacks, c.Name)
	a.Deployed, a.Result = w.Deployed(), result
	return a, nil
}

// convergeAll takes all steps. What is built already is packed and marshalled first, so that no stack is
// touched where a hook refuses it; otherwise the stacks below the application's need not wait for the build.
func convergeAll(ctx context.Context, w *deploy.Workflow, begun func()) (result deploy.Result, err error) {
	if err := w.Prepare(ctx); err != nil {
		return result, err
	}
	g, gctx := errgroup.WithContext(ctx)
	if w.Built {
		g.SetLimit(1)
	}
	g.Go(func() error {
		if err := w.Build(gctx); err != nil {
			return err
		}
		return w.Marshal(gctx)
	})
	g.Go(func() error {
		if err := gctx.Err(); err != nil {
			return err
		}
		begun()
		return w.ConvergeLower(gctx)
	})
	if err := g.Wait(); err != nil {
		return result, err
	}
	return w.Application(ctx)
}
