package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/monitor"
)

// functionTags are those of the binary that Lambda runs: without the command line, and without
// the RPC mode of a runtime that Lambda no longer has.
var functionTags = []string{"ephor_lambda", "lambda.norpc"}

// converger takes an application from its source to its stacks, again and again.
type converger struct {
	app    *ephor.App
	source gotool.Package
	binary string // where the executable goes
	goos   string
	goarch string
	aws    aws.Config
	events func(deploy.Event)

	deployer   *deploy.Deployer
	deployment ephor.Deployment
}

func newConverger(app *ephor.App, source gotool.Package, dir string) *converger {
	return &converger{
		app: app, source: source, binary: filepath.Join(dir, buildFolder, "bootstrap"),
		deployment: ephor.Deployment{App: app, Values: map[string]any{}},
	}
}

// to says where the stacks go. It must be called before all but build.
func (c *converger) to(config aws.Config) {
	c.aws = config
	c.deployer = deploy.New(deploy.Config{AWS: config, Events: c.events})
}

// build compiles the function's executable. The one that was there stays if it does not compile.
func (c *converger) build(ctx context.Context) error {
	start := time.Now()
	if err := c.hook(ctx, "BeforeBuild", func(h ephor.Hooks) hookFunc { return h.BeforeBuild }); err != nil {
		return err
	}
	err := gotool.Build(ctx, gotool.Config{
		Dir: c.source.ModuleDir, Package: c.source.ImportPath, Output: c.binary, Tags: functionTags,
		LDFlags: "-s -w", Trimpath: true, GOOS: c.goos, GOARCH: c.goarch, Exclusive: true,
	})
	if err != nil {
		return err
	}
	built, err := os.Stat(c.binary)
	if err != nil {
		return fmt.Errorf("looking at the executable: %w", err)
	}
	c.events(deploy.Built{Path: c.binary, Size: built.Size(), Took: time.Since(start), GOOS: c.goos, GOARCH: c.goarch, Package: c.source.ImportPath})
	c.deployment.Binary = c.binary
	return c.hook(ctx, "AfterBuild", func(h ephor.Hooks) hookFunc { return h.AfterBuild })
}

// monitoring converges the monitoring stack, if the application has one.
func (c *converger) monitoring(ctx context.Context) error {
	g, ok := c.app.Monitoring()
	if !ok {
		return nil
	}
	_, err := c.deployer.Converge(ctx, deploy.Stack{Name: g.Stack, Template: monitor.Template(g)})
	return err
}

// application uploads the executable and converges the application's stack.
func (c *converger) application(ctx context.Context) (outputs map[string]string, err error) {
	code, err := c.deployer.Upload(ctx, c.app.Name(), c.binary, c.goarch)
	if err != nil {
		return nil, err
	}
	result, err := c.deployer.Converge(ctx, deploy.Stack{Name: c.app.Name(), Template: deploy.Template(c.app, code)})
	if err != nil {
		return nil, err
	}
	if err := c.deployer.Prune(ctx, c.app.Name(), code); err != nil {
		return nil, err
	}
	c.deployment.Outputs = result.Outputs
	return result.Outputs, c.hook(ctx, "AfterProvision", func(h ephor.Hooks) hookFunc { return h.AfterProvision })
}

type hookFunc = func(context.Context, *ephor.Deployment) error

// hook calls one hook of each of the application's sets.
func (c *converger) hook(ctx context.Context, name string, pick func(ephor.Hooks) hookFunc) error {
	for _, h := range c.app.Hooks() {
		f := pick(h)
		if f == nil {
			continue
		}
		if err := f(deploy.WithAWS(ctx, c.aws), &c.deployment); err != nil {
			return fmt.Errorf("hook %s: %w", name, err)
		}
	}
	return nil
}
