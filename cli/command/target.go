package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
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
type target struct {
	name            string
	region, profile string // AWS's; "" is what the SDK finds
	endpoint        string // the laptop's, as soon as it is known
}

const (
	targetLaptop = "laptop"
	targetAWS    = "aws"
)

// flag adds --target to a command, and what goes with it. The target's name is the default.
func (t *target) flag(c *cobra.Command) {
	c.Flags().StringVar(&t.name, "target", cmp.Or(t.name, targetLaptop), "`where` the application runs: laptop, which is the up of another terminal, or aws")
	c.Flags().StringVar(&t.region, "region", "", "the `region` on AWS (default AWS_REGION, or the profile's)")
	c.Flags().StringVar(&t.profile, "profile", "", "the `profile` of AWS's configuration (default AWS_PROFILE, or default)")
}

// flags are those that name the target in a command whose default is the laptop, each behind a space.
func (t target) flags() string {
	if t.name != targetAWS {
		return ""
	}
	return " --target " + t.name + t.place()
}

// place is what leads the aws CLI to the target, each flag behind a space: the region and the profile, if they are given,
// or the laptop's endpoint, without which a command would be about an account on AWS. Every command of the aws CLI
// that is printed has it.
func (t target) place() (flags string) {
	if t.endpoint != "" {
		return " --endpoint-url " + t.endpoint + " --region " + laptopRegion
	}
	if t.region != "" {
		flags += " --region " + t.region
	}
	return flags + t.profileFlag()
}

func (t *target) check(c *cobra.Command) error {
	if t.name != targetLaptop && t.name != targetAWS {
		return usage(c, fmt.Errorf("--target %q: laptop or aws", t.name))
	}
	if t.name == targetLaptop && (t.region != "" || t.profile != "") {
		return usage(c, errors.New("--region and --profile are AWS's; with them goes --target aws"))
	}
	return nil
}

// config is the SDK's configuration. For AWS it is what AWS's own tools would take: environment,
// profile, SSO, instance metadata. Its credentials have been got, so that their lack is told first.
func (p *program) config(ctx context.Context, t target) (aws.Config, error) {
	if t.name == targetLaptop {
		at, err := p.connect(ctx)
		return laptopAWS(at.Endpoint), err
	}
	var options []func(*awsconfig.LoadOptions) error
	if t.region != "" {
		options = append(options, awsconfig.WithRegion(t.region))
	}
	if t.profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(t.profile))
	}
	c, err := awsconfig.LoadDefaultConfig(ctx, options...)
	var missing awsconfig.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing):
		return c, hinted(fmt.Errorf("there is no profile %s in AWS's configuration", missing.Profile), "aws configure list-profiles, which says which there are")
	case err != nil:
		return c, hinted(fmt.Errorf("reading the configuration of AWS: %w", err), "aws configure, or AWS_PROFILE=…")
	case c.Region == "":
		return c, hinted(errors.New("no region of AWS is configured"), "--region eu-central-1, AWS_REGION=…, or a profile with a region")
	}
	if !isRegion(c.Region) {
		return c, hinted(fmt.Errorf("%q is no name of a region of AWS", c.Region), "--region eu-central-1, AWS_REGION=…, or a profile with a region")
	}
	_, err = c.Credentials.Retrieve(ctx)
	var gone *net.OpError
	switch {
	case ctx.Err() != nil:
		return c, context.Cause(ctx)
	case errors.As(err, &gone):
		return c, p.trouble(t, err)
	case err != nil && signsOn(c):
		return c, hinted(errors.New("AWS's single sign-on has no session for this profile, or one that has expired"), "aws sso login"+t.profileFlag())
	case err != nil:
		return c, hinted(fmt.Errorf("there are no credentials for AWS: %w", innermost(err)), "aws configure, aws sso login, or AWS_PROFILE=…")
	}
	return c, nil
}

// isRegion says whether text has the form of a region's name, which is a part of its services' host names. Which regions there
// are only AWS knows.
//
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func isRegion(text string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return len(text) <= 63 && strings.Trim(text, letters+"-") == "" && !strings.HasPrefix(text, "-") && !strings.HasSuffix(text, "-")
}

// signsOn says whether the credentials are had by single sign-on. The SDK has several errors for a session that
// is not there or not any more, and not all have a type.
func signsOn(c aws.Config) bool {
	for _, source := range c.ConfigSources {
		shared, ok := source.(awsconfig.SharedConfig)
		for of := &shared; ok && of != nil; of = of.Source {
			if of.SSOSession != nil || of.SSOStartURL != "" {
				return true
			}
		}
	}
	return false
}

// profileFlag is the profile, if it is given, behind a space: for commands that are the same in every region.
func (t target) profileFlag() string {
	if t.profile == "" {
		return ""
	}
	return " --profile " + t.profile
}

// innermost is the reason at the bottom of an error: the SDK wraps one in the names of all that it tried.
func innermost(err error) error {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// reached makes the error of a call to AWS or the laptop one that says what to do.
func (p *program) reached(t target, err error) error {
	switch {
	case t.name == targetLaptop && unreachable(err):
		return p.notRunning()
	}
	if told := p.trouble(t, err); told != err {
		return told
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

// inServiceError is an error without the SDK's words around what a service says in it.
type inServiceError struct{ err error }

func (e *inServiceError) Error() string { return inService(e.err) }
func (e *inServiceError) Unwrap() error { return e.err }

// inService is what an inServiceError says.
func inService(err error) string {
	var call *smithy.OperationError
	text := err.Error()
	if errors.As(err, &call) {
		text = strings.Replace(text, call.Error(), (&serviceError{call}).Error(), 1)
	}
	return text
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
