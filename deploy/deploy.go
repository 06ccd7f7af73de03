// Package deploy builds an application, packs it and converges its stacks: the one path, for AWS
// and for the laptop, which it cannot tell apart. It talks to CloudFormation, S3, ECR, Lambda and STS
// through aws-sdk-go-v2 with whatever endpoint, region and credentials it is given.
//
//	w := deploy.NewWorkflow(deploy.WorkflowConfig{App: app, Build: build, Deployer: deploy.New(deploy.Config{AWS: awsConfig})})
//	outputs, err := w.Run(ctx)
//
// A Workflow is an application's way from its source to its stacks, with its hooks; a Deployer knows
// stacks and artifacts alone.
package deploy

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Config says where and as whom a Deployer works.
type Config struct {
	// App is the application's name, after which the artifact bucket is called; "" takes the stack's.
	App string
	// AWS holds region, credentials and, where it is not AWS's own, the endpoint.
	AWS aws.Config
	// Events is told what happens, from the goroutine that deploys; nil means nobody is.
	Events func(Event)
}

// Deployer changes stacks. It may be used from several goroutines, each with a stack of its own.
type Deployer struct {
	app    string
	config aws.Config
	region string
	events func(Event)

	cloudformation *cloudformation.Client
	ecr            *ecr.Client
	lambda         *lambda.Client
	s3             *s3.Client
	sts            *sts.Client
}

// New makes a Deployer. It makes no call.
func New(c Config) *Deployer {
	if c.AWS.Retryer == nil {
		c.AWS.Retryer = patient
	}
	d := &Deployer{
		app:            c.App,
		config:         c.AWS,
		region:         c.AWS.Region,
		events:         c.Events,
		cloudformation: cloudformation.NewFromConfig(c.AWS),
		ecr:            ecr.NewFromConfig(c.AWS),
		lambda:         lambda.NewFromConfig(c.AWS),
		s3: s3.NewFromConfig(c.AWS, func(o *s3.Options) {
			// A bucket's name in the host part needs DNS, which another endpoint may not have.
			o.UsePathStyle = o.BaseEndpoint != nil
		}),
		sts: sts.NewFromConfig(c.AWS),
	}
	if d.events == nil {
		d.events = func(Event) {}
	}
	return d
}

type contextKey struct{}

// WithAWS makes config what AWSConfig finds, which is how hooks get at the SDK.
func WithAWS(ctx context.Context, config aws.Config) context.Context {
	return context.WithValue(ctx, contextKey{}, config)
}

// AWSConfig is the configuration that the running deployment uses. Hooks make their SDK clients
// from it, so that they reach the same endpoint, AWS or the laptop. ok is false outside of a
// deployment.
func AWSConfig(ctx context.Context) (config aws.Config, ok bool) {
	config, ok = ctx.Value(contextKey{}).(aws.Config)
	return config, ok
}

// wait polls check until it says done: often at first, because a laptop answers in milliseconds,
// then up to every two seconds, because AWS takes minutes and throttles. While check reports
// news the pace stays up.
func wait(ctx context.Context, check func() (done, news bool, err error)) error {
	const first, slowest = 10 * time.Millisecond, 2 * time.Second
	for pause := first; ; {
		done, news, err := check()
		if done || err != nil {
			return err
		}
		if news {
			pause = min(pause, 16*first)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		pause = min(pause*3/2, slowest)
	}
}
