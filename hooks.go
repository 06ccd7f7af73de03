package ephor

import (
	"context"

	"github.com/ephor-io/ephor/cfn"
)

// Hooks are called by the deployment, on the host, never in the function. What they call is
// linked into the deployed binary all the same if a main reaches it, so they stand in a file of
// their own with the constraint
//
//	//go:build !ephor_lambda
//
// A hook that returns an error stops the deployment with it. Nil hooks are left out. They are called
// in this order, each point for all sets of hooks before the next point:
//
//	BeforeBuild  Stacks  AfterBuild  Archive  BeforeMarshal  Function  Service  Validate  AfterMarshal  AfterProvision
//
// A dry run calls all but AfterProvision; Deployment.DryRun says so, and a hook that changes something
// outside of the deployment looks at it.
type Hooks struct {
	// BeforeBuild runs before the binary is built.
	BeforeBuild func(context.Context, *Deployment) error
	// Stacks are further stacks of the application's, which are converged before its own, each after those
	// that it imports from. At its start `up` converges them while the binary is built. status and delete ask for them,
	// too, and then call no other hook and have no AWSConfig.
	Stacks func(context.Context, *Deployment) ([]Stack, error)
	// AfterBuild runs when Deployment.Binary is there.
	AfterBuild func(context.Context, *Deployment) error
	// Archive adds files to the deployment package, which a function finds beside its executable, or to the
	// folder that an application's image is built from.
	Archive func(context.Context, *Deployment, *Archive) error
	// BeforeMarshal runs before the application's template is made.
	BeforeMarshal func(context.Context, *Deployment) error
	// Function changes what the template says of a function; it is called for each.
	Function Decorator
	// Service changes the application's template when all functions are in it.
	Service func(context.Context, *Deployment, *cfn.Template) error
	// Validate looks at the finished template and refuses it with an error, before the application's stack
	// or its bucket is touched. What it changes in the template is not kept.
	Validate func(context.Context, *Deployment, cfn.Template) error
	// AfterMarshal gets the template as CloudFormation will: JSON.
	AfterMarshal func(ctx context.Context, d *Deployment, template []byte) error
	// AfterProvision runs when all stacks are there and Deployment.Outputs is filled.
	AfterProvision func(context.Context, *Deployment) error
	// Rollback runs if the deployment fails at any point, also when it is interrupted, with a context of
	// its own then; cause says why. CloudFormation rolls back its stacks itself. Rollbacks run in the
	// reverse order of their sets, all of them, and their errors are told beside the cause.
	Rollback func(ctx context.Context, d *Deployment, cause error) error
}

// Decorator changes what the application's template says of one function.
type Decorator func(context.Context, *Deployment, FunctionTemplate) error

// FunctionTemplate is one function within the application's template.
type FunctionTemplate struct {
	Function *Function
	// ID is its logical ID.
	ID string
	// Properties are those of an AWS::Lambda::Function, to be changed in place.
	Properties map[string]any
	// Template is the whole, for resources that the function needs beside it.
	Template *cfn.Template
}

// Setenv sets a variable of the function's environment: a string or a function of package cfn.
func (t FunctionTemplate) Setenv(name string, value any) {
	env, ok := t.Properties["Environment"].(map[string]any)
	if !ok {
		env = map[string]any{}
		t.Properties["Environment"] = env
	}
	variables, ok := env["Variables"].(map[string]any)
	if !ok {
		variables = map[string]any{}
		env["Variables"] = variables
	}
	variables[name] = value
}

// Decorate has d called for this function alone, after the Function hooks. It belongs into a file that
// is left out of the deployed binary, as [Hooks] do.
func (f *Function) Decorate(d Decorator) { f.decorators = append(f.decorators, d) }

// Decorators are what Decorate was given.
func (f *Function) Decorators() []Decorator { return f.decorators }

// Stack is what a CloudFormation stack shall be.
type Stack struct {
	Name     string
	Template cfn.Template
	// Parameters are values of the template's parameters. One that is not given keeps the value that it has
	// in a stack that exists, and has its default in a new one.
	Parameters map[string]string
	Tags       map[string]string
}

// Archive is what goes into the deployment package beside the executable.
type Archive struct {
	// Files are contents by their paths, relative and with slashes. bootstrap is the executable's.
	Files map[string][]byte
}

// Add adds a file.
func (a *Archive) Add(path string, content []byte) {
	if a.Files == nil {
		a.Files = map[string][]byte{}
	}
	a.Files[path] = content
}

// Deployment is what hooks are told and share. One deployment uses it from one goroutine at a time.
type Deployment struct {
	// App is the application that is deployed.
	App *App
	// DryRun says that nothing is going to be changed.
	DryRun bool
	// BuildID names the source's revision; "" is unknown.
	BuildID string
	// Binary is the path of the built executable.
	Binary string
	// Outputs are the application stack's, by name.
	Outputs map[string]string
	// Lower are the outputs of the stacks below the application's, by stack and by name.
	Lower map[string]map[string]string

	values map[any]any
}

// Key names a value that hooks share, and its type. Two keys of the same name and of different types are
// different.
//
//	var bucket = ephor.Key[string]{Name: "bucket"}
//
//	bucket.Put(d, "my-bucket")    // in one hook
//	name, ok := bucket.Get(d)     // in another one
type Key[T any] struct{ Name string }

// Put leaves a value for hooks that are called later in the same deployment.
func (k Key[T]) Put(d *Deployment, value T) {
	if d.values == nil {
		d.values = map[any]any{}
	}
	d.values[k] = value
}

// Get is the value that was put last; ok is false if there is none.
func (k Key[T]) Get(d *Deployment) (value T, ok bool) {
	value, ok = d.values[k].(T)
	return value, ok
}
