//go:build !ephor_lambda

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/iam"
)

// dataStack holds what outlives the application: it is a stack of its own.
const dataStack = "Greeter-Data"

// addHooks adds what runs on the host only. It stands in a file of its own, left out of the
// deployed binary, because a closure in main is linked even where nobody calls it, and the SDK
// with it.
func addHooks(app *ephor.App, greeter *ephor.Function) {
	greeter.Permissions = []iam.Statement{
		iam.Allow("s3:GetObject").On(cfn.Join("", cfn.ImportValue(dataStack+"-BucketArn"), "/*")),
	}
	greeter.Decorate(func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
		f.Setenv("BUCKET", cfn.ImportValue(dataStack+"-Bucket"))
		return nil
	})
	app.Hook(ephor.Hooks{Stacks: data, AfterProvision: checkFunction})
}

// data is a bucket whose name and ARN the application imports, so that it cannot be deleted before.
func data(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
	export := func(name string, value any) cfn.Output {
		return cfn.Output{Value: value, Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-" + name)}}
	}
	return []ephor.Stack{{Name: dataStack, Template: cfn.Template{
		AWSTemplateFormatVersion: cfn.FormatVersion,
		Resources:                map[string]cfn.Resource{"Bucket": {Type: "AWS::S3::Bucket"}},
		Outputs: map[string]cfn.Output{
			"Bucket":    export("Bucket", cfn.Ref("Bucket")),
			"BucketArn": export("BucketArn", cfn.GetAtt("Bucket", "Arn")),
		},
	}}}, nil
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
