package deploy

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/internal/gotool"
)

// WorkflowConfig says what is deployed and how.
type WorkflowConfig struct {
	App *ephor.App
	// Hooks are called in this order; the application's own are not added to them.
	Hooks []ephor.Hooks
	// Build makes the executable. Its Output is kept for the next time.
	Build gotool.Config
	// Image says that the functions are container images, and how they are built; nil makes them zip archives.
	Image *ImageConfig
	// Built says that the executable is there as it shall be, so that nothing is compiled.
	Built bool
	// Deployer has the stacks; without one, nothing can be done but Prepare, Build and Marshal.
	Deployer *Deployer
	// Tags are the application stack's.
	Tags map[string]string
	// BuildID names the source's revision, for hooks.
	BuildID string
	// DryRun is told to hooks.
	DryRun bool
	// Events is told what was built; nil means nobody is.
	Events func(Event)
}

// Workflow takes an application from its source to its stacks, again and again. Its steps are, in order,
// Prepare, Build, Marshal, ConvergeLower and Application; ConvergeLower may run beside Build and Marshal. Run takes them all.
type Workflow struct {
	WorkflowConfig
	deployment ephor.Deployment

	lower []ephor.Stack // in the order in which they are converged
	// What ConvergeLower has come to.
	lowerOutputs map[string]map[string]string
	changed      bool
	same         bool // the application's stack was not changed

	pack   *Package
	image  *Image      // in the package's place, of an application that is one
	bucket string      // where the package is
	stack  ephor.Stack // the application's, when it is marshalled
}

// NewWorkflow makes a Workflow. It does nothing yet.
func NewWorkflow(c WorkflowConfig) *Workflow {
	if c.Events == nil {
		c.Events = func(Event) {}
	}
	return &Workflow{WorkflowConfig: c, deployment: ephor.Deployment{App: c.App, BuildID: c.BuildID, DryRun: c.DryRun}}
}

// Run takes all steps, and calls the rollback hooks if one fails. The result is
// the application stack's, unchanged if all stacks are.
func (w *Workflow) Run(ctx context.Context) (Result, error) {
	var result Result
	err := w.steps(ctx, w.Prepare, w.Build, w.Marshal, w.upload, w.ConvergeLower, func(ctx context.Context) (err error) {
		result, err = w.application(ctx)
		if err == nil && w.same {
			// Fast may have changed the code meanwhile, which the stack knows nothing of.
			err = w.updateCode(ctx)
		}
		return err
	})
	return result, w.Failed(ctx, err)
}

// Prepare asks the hooks what shall be beside the application.
func (w *Workflow) Prepare(ctx context.Context) error {
	if err := w.hook(ctx, "BeforeBuild", func(h ephor.Hooks) hookFunc { return h.BeforeBuild }); err != nil {
		return err
	}
	w.changed = false
	if err := w.WorkflowConfig.Image.check(); err != nil {
		return err
	}
	return w.Declare(ctx)
}

// Declare asks the hooks for the stacks below the application's, and for nothing else: for whoever only
// looks at stacks or deletes them.
func (w *Workflow) Declare(ctx context.Context) error {
	var stacks []ephor.Stack
	err := w.hook(ctx, "Stacks", func(h ephor.Hooks) hookFunc {
		if h.Stacks == nil {
			return nil
		}
		return func(ctx context.Context, d *ephor.Deployment) error {
			more, err := h.Stacks(ctx, d)
			stacks = append(stacks, more...)
			return err
		}
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(stacks, func(s ephor.Stack) bool { return s.Name == w.App.Name() }) {
		return fmt.Errorf("hook Stacks: stack %s is the application's own", w.App.Name())
	}
	w.lower, err = order(stacks)
	return err
}

// Build compiles the function's executable. The one that was there stays if it does not compile.
func (w *Workflow) Build(ctx context.Context) error {
	b := w.WorkflowConfig.Build
	if !w.Built {
		if err := Build(ctx, b, w.Events); err != nil {
			return err
		}
	}
	w.deployment.Binary = b.Output
	return w.hook(ctx, "AfterBuild", func(h ephor.Hooks) hookFunc { return h.AfterBuild })
}

// Build compiles an executable and tells events of it.
func Build(ctx context.Context, b gotool.Config, events func(Event)) error {
	start := time.Now()
	if err := gotool.Build(ctx, b); err != nil {
		return err
	}
	built, err := os.Stat(b.Output)
	if err != nil {
		return fmt.Errorf("looking at the executable: %w", err)
	}
	events(Built{Path: b.Output, Size: built.Size(), Took: time.Since(start), GOOS: b.GOOS, GOARCH: b.GOARCH, Package: b.Package})
	return nil
}

// Marshal packs what was built, or lays out what its image is built from, and makes the application's template, with all that hooks have to say.
func (w *Workflow) Marshal(ctx context.Context) error {
	var beside ephor.Archive
	err := w.hook(ctx, "Archive", func(h ephor.Hooks) hookFunc {
		if h.Archive == nil {
			return nil
		}
		return func(ctx context.Context, d *ephor.Deployment) error { return h.Archive(ctx, d, &beside) }
	})
	if err != nil {
		return err
	}
	b := w.WorkflowConfig.Build
	if w.WorkflowConfig.Image != nil {
		w.image, err = NewImage(w.App.Name(), *w.WorkflowConfig.Image, b.Output, b.GOARCH, beside)
	} else {
		w.pack, err = Pack(w.App.Name(), b.Output, b.GOARCH, beside)
	}
	if err != nil {
		return err
	}
	if err := w.hook(ctx, "BeforeMarshal", func(h ephor.Hooks) hookFunc { return h.BeforeMarshal }); err != nil {
		return err
	}
	t, err := w.template(ctx)
	if err != nil {
		return err
	}
	w.stack = ephor.Stack{Name: w.App.Name(), Template: t, Tags: w.Tags}
	ordered, err := order(append(slices.Clone(w.lower), w.stack)) // it must not import in a circle either
	if err != nil {
		return err
	}
	if above := ordered[len(ordered)-1].Name; above != w.App.Name() {
		return fmt.Errorf("hook Stacks: stack %s imports from %s, the application's own, which comes after all others: what both need belongs into a stack that both import from", above, w.App.Name())
	}
	return nil
}

// Lower are the stacks below the application's in the order in which they are converged, as Prepare or
// Declare found them.
func (w *Workflow) Lower() []ephor.Stack { return slices.Clone(w.lower) }

// Stack is the application's, as Marshal made it.
func (w *Workflow) Stack() ephor.Stack { return w.stack }

// ConvergeLower converges the stacks below the application's.
func (w *Workflow) ConvergeLower(ctx context.Context) error {
	w.lowerOutputs = map[string]map[string]string{}
	for _, s := range w.lower {
		r, err := w.Deployer.Converge(ctx, s)
		if err != nil {
			return err
		}
		w.lowerOutputs[s.Name] = r.Outputs
		w.changed = w.changed || !r.Unchanged
	}
	return nil
}

func (w *Workflow) upload(ctx context.Context) (err error) {
	if w.image == nil {
		w.bucket, err = w.Deployer.Upload(ctx, w.pack)
		return err
	}
	uri, err := w.Deployer.Push(ctx, w.image)
	w.stack.Parameters = map[string]string{ParamImage: uri}
	return err
}

// prune deletes what the application was made of before, but for the newest few.
func (w *Workflow) prune(ctx context.Context) error {
	if w.image == nil {
		return w.Deployer.Prune(ctx, w.pack)
	}
	return w.Deployer.PruneImages(ctx, w.App.Name(), w.stack.Parameters[ParamImage])
}

// updateCode gives the functions of the stack the code that was uploaded.
func (w *Workflow) updateCode(ctx context.Context) error {
	if w.image != nil {
		return w.Deployer.updateCode(ctx, w.stack, w.Deployer.imageCode(w.stack.Parameters[ParamImage]))
	}
	code, err := w.Deployer.packageCode(w.bucket, w.pack)
	if err != nil {
		return err
	}
	return w.Deployer.updateCode(ctx, w.stack, code)
}

// Application uploads the deployment package, or the image, and converges the application's stack.
func (w *Workflow) Application(ctx context.Context) (Result, error) {
	if err := w.upload(ctx); err != nil {
		return Result{}, err
	}
	return w.application(ctx)
}

func (w *Workflow) application(ctx context.Context) (Result, error) {
	result, err := w.Deployer.Converge(ctx, w.stack)
	if err != nil {
		return result, err
	}
	if err := w.prune(ctx); err != nil {
		return result, err
	}
	w.same = result.Unchanged
	result.Unchanged, result.Lower = result.Unchanged && !w.changed, w.lowerOutputs
	w.deployment.Outputs, w.deployment.Lower = result.Outputs, result.Lower
	return result, w.hook(ctx, "AfterProvision", func(h ephor.Hooks) hookFunc { return h.AfterProvision })
}

// DryRun builds, and tells what Run would do to each stack. It leaves nothing behind on AWS.
func (w *Workflow) DryRun(ctx context.Context) ([]*Plan, error) {
	var plans []*Plan
	err := w.steps(ctx, w.Prepare, w.Build, w.Marshal, func(ctx context.Context) error {
		note, err := w.foresee(ctx)
		if err != nil {
			return err
		}
		for _, s := range append(w.Lower(), w.stack) {
			p, err := w.Deployer.DryRun(ctx, s, plans)
			if err != nil {
				return err
			}
			plans = append(plans, p)
		}
		if last := plans[len(plans)-1]; note != "" {
			last.Note = strings.TrimPrefix(last.Note+"; "+note, "; ")
		}
		return nil
	})
	return plans, w.Failed(ctx, err)
}

// template is the application's, decorated and validated.
func (w *Workflow) template(ctx context.Context) (cfn.Template, error) {
	if err := w.App.Validate(); err != nil { // hooks may have changed it
		return cfn.Template{}, err
	}
	if w.image == nil {
		t := Template(w.App, w.pack.Code())
		return t, w.decorate(ctx, &t)
	}
	t := Template(w.App, Code{GOARCH: w.image.GOARCH, Image: true})
	if err := w.decorate(ctx, &t); err != nil {
		return t, err
	}
	return t, checkImages(t)
}

// foresee names the image as it would be after a push, without one; note says what that is worth.
func (w *Workflow) foresee(ctx context.Context) (note string, err error) {
	if w.image == nil {
		return "", nil
	}
	uri, there, err := w.Deployer.image(ctx, w.image)
	if err != nil {
		return "", err
	}
	w.stack.Parameters = map[string]string{ParamImage: uri}
	if !there {
		note = "its image is not in the registry yet; a dry run neither builds nor pushes it"
	}
	return note, nil
}
