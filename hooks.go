package ephor

import "context"

// Hooks are called by the deployment, on the host, never in the function. What they call is
// linked into the deployed binary all the same if a main reaches it, so they stand in a file of
// their own with the constraint
//
//	//go:build !ephor_lambda
//
// A hook that returns an error stops the deployment with it. Nil hooks are left out.
type Hooks struct {
	// BeforeBuild runs before the binary is built.
	BeforeBuild func(context.Context, *Deployment) error
	// AfterBuild runs when Deployment.Binary is there.
	AfterBuild func(context.Context, *Deployment) error
	// AfterProvision runs when all stacks are there and Deployment.Outputs is filled.
	AfterProvision func(context.Context, *Deployment) error
}

// Deployment is what hooks are told and share. One deployment uses it from one goroutine at a time.
type Deployment struct {
	// App is the application that is deployed.
	App *App
	// Binary is the path of the built executable.
	Binary string
	// Outputs are the application stack's, by name.
	Outputs map[string]string
	// Values is the hooks' own: what one leaves here the next finds.
	Values map[string]any
}
