package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"
)

// target is where a command finds the application: on this machine or on AWS. What follows from
// it is the SDK's configuration alone.
type target struct{ name string }

const (
	targetLaptop = "laptop"
	targetAWS    = "aws"
)

// flag adds --target to a command.
func (t *target) flag(c *cobra.Command) {
	c.Flags().StringVar(&t.name, "target", targetLaptop, "`where` the application runs: laptop, which is the up of another terminal, or aws")
}

func (t *target) check(c *cobra.Command) error {
	if t.name != targetLaptop && t.name != targetAWS {
		return usage(c, fmt.Errorf("--target %q: laptop or aws", t.name))
	}
	return nil
}

// config is the SDK's configuration. For AWS it is what AWS's own tools would take: environment,
// profile, instance metadata.
func (p *program) config(ctx context.Context, t target) (aws.Config, error) {
	if t.name == targetAWS {
		c, err := awsconfig.LoadDefaultConfig(ctx)
		if err != nil {
			return c, hinted(fmt.Errorf("reading the configuration of AWS: %w", err), "aws configure, or AWS_PROFILE=…")
		}
		if c.Region == "" {
			return c, hinted(errors.New("no region of AWS is configured"), "AWS_REGION=…, or a profile with a region")
		}
		return c, nil
	}
	at, err := p.connect(ctx)
	return laptopAWS(at.Endpoint), err
}

// reached makes the error of a call to AWS or the laptop one that says what to do.
func (p *program) reached(t target, err error) error {
	switch {
	case t.name == targetLaptop && unreachable(err):
		return p.notRunning()
	case isCode(err, "AccessDeniedException"), isCode(err, "ExpiredTokenException"), isCode(err, "UnrecognizedClientException"):
		return hinted(&serviceError{err}, "credentials that may: aws sts get-caller-identity says whose they are")
	}
	return &serviceError{err}
}

// unreachable says that nobody listens any more or, where a connection is reset, has just stopped to.
func unreachable(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

// serviceError is an error of a call without the SDK's words around what the service says.
type serviceError struct{ err error }

func (e *serviceError) Error() string {
	var api smithy.APIError
	if errors.As(e.err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return e.err.Error()
}

func (e *serviceError) Unwrap() error { return e.err }

// message is what a service says of an error, without its code.
func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

func isCode(err error, code string) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == code
}

// deployed is a function of the application: by the name that it has there and the one that Lambda
// knows it by.
type deployed struct{ short, name string }

// functionNamed finds the function that an argument means: one of the application's, by its short
// name or by Lambda's, or any other of Lambda's.
func (p *program) functionNamed(arg string) deployed {
	for _, f := range p.functions() {
		if arg == f.short || arg == f.name {
			return f
		}
	}
	return deployed{arg, arg}
}

// functions are the application's.
func (p *program) functions() []deployed {
	var all []deployed
	for _, f := range p.app.Functions() {
		all = append(all, deployed{f.Name, p.app.Name() + "-" + f.Name})
	}
	return all
}

// noFunction is the error of a function that is not there; it says which are. It is nil if the
// function is there after all.
func (p *program) noFunction(ctx context.Context, config aws.Config, t target, f deployed) error {
	var names []string
	pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(config), &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return p.reached(t, err)
		}
		for _, there := range page.Functions {
			name := aws.ToString(there.FunctionName)
			if name == f.name {
				return nil
			}
			// An account on AWS has functions of all kinds; this application's are meant.
			if t.name == targetLaptop || strings.HasPrefix(name, p.app.Name()+"-") {
				names = append(names, p.functionNamed(name).short)
			}
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return hinted(fmt.Errorf("there is no function %s, nor any other of %s", f.short, p.app.Name()), "status, which says what is there")
	}
	return hinted(fmt.Errorf("there is no function %s", f.short), "one of "+strings.Join(names, ", "))
}
