package laptop

import (
	"context"
	"net/http"
	"time"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// qualified is a function's name or ARN with a qualifier, if there is one.
func qualified(function, qualifier string) string {
	if qualifier == "" {
		return function
	}
	return function + ":" + qualifier
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html
type urlProperties struct {
	TargetFunctionArn string
	Qualifier         string
	AuthType          string
	InvokeMode        string
	Cors              *lambda.CORS
}

func (p urlProperties) input(r cloudformation.Request) lambda.FunctionURLInput {
	in := lambda.FunctionURLInput{AuthType: p.AuthType, InvokeMode: p.InvokeMode, CORS: p.Cors, Mark: r.Token}
	if in.InvokeMode == "" {
		in.InvokeMode = "BUFFERED"
	}
	if in.CORS == nil {
		in.CORS = &lambda.CORS{} // none, also where there was one before
	}
	return in
}

func functionURLs(service *lambda.Service) cloudformation.Provider {
	made := func(u lambda.FunctionURL, err error) (cloudformation.Resource, error) {
		return made(u.ARN, map[string]any{"FunctionArn": u.ARN, "FunctionUrl": u.URL}, err)
	}
	name := func(p urlProperties) string { return qualified(p.TargetFunctionArn, p.Qualifier) }
	return resource[urlProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"TargetFunctionArn", "Qualifier", "AuthType", "InvokeMode", "Cors"},
			Required:   []string{"TargetFunctionArn", "AuthType"},
			CreateOnly: []string{"TargetFunctionArn", "Qualifier"},
			Attributes: []string{"FunctionArn", "FunctionUrl"},
		},
		find: func(_ cloudformation.Request, p urlProperties) (cloudformation.Resource, string, bool) {
			u, err := service.FunctionURL(name(p))
			got, _ := made(u, nil)
			return got, u.Mark, err == nil
		},
		create: func(ctx context.Context, r cloudformation.Request, p urlProperties) (cloudformation.Resource, error) {
			return made(service.CreateFunctionURL(ctx, name(p), p.input(r)))
		},
		update: func(ctx context.Context, r cloudformation.Request, p urlProperties) (cloudformation.Resource, error) {
			return made(service.UpdateFunctionURL(ctx, name(p), p.input(r)))
		},
		remove: func(ctx context.Context, _ cloudformation.Request, p urlProperties) error {
			return service.DeleteFunctionURL(ctx, name(p))
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html
type eventInvokeProperties struct {
	FunctionName             string
	Qualifier                string
	MaximumEventAgeInSeconds int
	MaximumRetryAttempts     *int
	DestinationConfig        struct {
		OnSuccess, OnFailure struct{ Destination string }
	}
}

func eventInvokeConfigs(service *lambda.Service) cloudformation.Provider {
	name := func(p eventInvokeProperties) string { return qualified(p.FunctionName, p.Qualifier) }
	made := func(c lambda.EventInvokeConfig, err error) (cloudformation.Resource, error) {
		return made(c.Function+"|"+c.Qualifier, nil, err)
	}
	put := func(ctx context.Context, r cloudformation.Request, p eventInvokeProperties) (cloudformation.Resource, error) {
		return made(service.PutEventInvokeConfig(ctx, name(p), lambda.EventInvokeConfig{
			MaximumRetryAttempts: p.MaximumRetryAttempts, MaximumEventAge: time.Duration(p.MaximumEventAgeInSeconds) * time.Second,
			OnSuccess: p.DestinationConfig.OnSuccess.Destination, OnFailure: p.DestinationConfig.OnFailure.Destination, Mark: r.Token,
		}))
	}
	return resource[eventInvokeProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"FunctionName", "Qualifier", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig"},
			Required:   []string{"FunctionName", "Qualifier"},
			CreateOnly: []string{"FunctionName", "Qualifier"},
		},
		find: func(_ cloudformation.Request, p eventInvokeProperties) (cloudformation.Resource, string, bool) {
			c, err := service.EventInvokeConfig(name(p))
			got, _ := made(c, nil)
			return got, c.Mark, err == nil
		},
		create: func(ctx context.Context, r cloudformation.Request, p eventInvokeProperties) (cloudformation.Resource, error) {
			if _, err := service.EventInvokeConfig(name(p)); err == nil {
				return cloudformation.Resource{}, errEventInvokeExists(name(p))
			}
			return put(ctx, r, p)
		},
		update: put,
		remove: func(ctx context.Context, _ cloudformation.Request, p eventInvokeProperties) error {
			return service.DeleteEventInvokeConfig(ctx, name(p))
		},
	}
}

func errEventInvokeExists(name string) error {
	return &awsproto.Error{Code: "AlreadyExists", Message: "an EventInvokeConfig of " + name + " exists", Status: http.StatusConflict}
}
