package deploy

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Code says where the deployment package lies and for which processor it was built.
type Code struct {
	// Bucket may hold pseudo parameters, as in app-${AWS::AccountId}.
	Bucket, Key string
	// GOARCH is amd64 or arm64.
	GOARCH string
	// Image says that the functions are of the container image that the parameter ParamImage names, and of no package.
	Image bool
}

// OutputAPI is the output with the address of the application's API.
const OutputAPI = "ApiUrl"

// OutputURL is the output with the URL of a function's own.
func OutputURL(function string) string { return function + "Url" }

// Template is the application's stack before any hook has changed it: its functions, their roles and
// the API in front of them.
func Template(app *ephor.App, code Code) cfn.Template {
	t := cfn.Template{
		AWSTemplateFormatVersion: cfn.FormatVersion,
		Description:              app.Name() + ", an Ephor application",
		Resources:                map[string]cfn.Resource{},
		Outputs:                  map[string]cfn.Output{},
	}
	if code.Image {
		t.Parameters = map[string]cfn.Parameter{ParamImage: imageParameter}
	}
	for _, f := range app.Functions() {
		role := sharedRole
		if permitted := permissions(app, f); len(permitted) > 0 {
			role = f.Name + "Role"
			t.Resources[role] = executionRole("${AWS::StackName}-"+f.Name, permitted)
		} else {
			t.Resources[role] = executionRole("${AWS::StackName}-*", nil)
		}
		t.Resources[f.LogicalID()] = function(app, f, code, role)
		if f.URL != nil {
			maps.Copy(t.Resources, functionURL(f))
			t.Outputs[OutputURL(f.Name)] = cfn.Output{Description: "Where " + f.Name + " answers", Value: cfn.GetAtt(f.Name+"Url", "FunctionUrl")}
		}
	}
	if front := app.Front(); len(app.Routes()) > 0 {
		resources, address := httpAPI(app, front)
		if front.REST {
			resources, address = restAPI(app, front)
		}
		maps.Copy(t.Resources, resources)
		t.Outputs[OutputAPI] = cfn.Output{Description: "Where the application answers", Value: address}
	}
	sources(app, t)
	return t
}

// function is the resource of f.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
func function(app *ephor.App, f *ephor.Function, code Code, role string) cfn.Resource {
	variables := used(app, f)
	for name, value := range f.Environment {
		variables[name] = value
	}
	p := map[string]any{
		"FunctionName":  cfn.Sub("${AWS::StackName}-" + f.Name),
		"Runtime":       "provided.al2023",
		"Handler":       f.Name,
		"Architectures": []any{architecture(code.GOARCH)},
		"Code":          map[string]any{"S3Bucket": text(code.Bucket), "S3Key": code.Key},
		"MemorySize":    cmp.Or(f.Memory, 128),
		"Timeout":       int(cmp.Or(f.Timeout, 3*time.Second) / time.Second),
		"Role":          cfn.GetAtt(role, "Arn"),
		"Environment":   map[string]any{"Variables": variables},
	}
	if code.Image {
		ofImage(p, f)
	}
	if f.Concurrency > 0 {
		p["ReservedConcurrentExecutions"] = f.Concurrency
	}
	return cfn.Resource{Type: "AWS::Lambda::Function", Properties: p}
}

func architecture(goarch string) string {
	if goarch == "amd64" {
		return "x86_64"
	}
	return goarch
}

// text is a value that CloudFormation puts pseudo parameters into, if it names any.
func text(s string) any {
	if strings.Contains(s, "${") {
		return cfn.Sub(s)
	}
	return s
}
