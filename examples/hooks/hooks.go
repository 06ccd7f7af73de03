//go:build !ephor_lambda

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
)

// addHooks adds what runs on the host only. It stands in a file of its own, left out of the
// deployed binary, because a closure in main is linked even where nobody calls it, and the SDK
// with it.
func addHooks(app *ephor.App) {
	app.Hook(ephor.Hooks{AfterProvision: checkFunction})
}

// checkFunction stops the deployment if its function is not active.
func checkFunction(ctx context.Context, d *ephor.Deployment) error {
	config, ok := deploy.AWSConfig(ctx)
	if !ok {
		return errors.New("this hook runs within a deployment only")
	}
	name := d.App.Name() + "-Greet"
	f, err := lambda.NewFromConfig(config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(name)})
	if err != nil {
		return fmt.Errorf("looking at function %s: %w", name, err)
	}
	if f.State != "Active" {
		return fmt.Errorf("function %s is %s", name, f.State)
	}
	return nil
}
